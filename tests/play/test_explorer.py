"""What a reader does with an explorer, in a real browser."""

import re
from urllib.parse import quote

import pytest

from backprop_book import play
from play_graphs import used_twice
from play_in_node import run_in_node
from play_pages import Explorer
from play_texts import BROKEN, WRONG
from site_visits import AXE, RUN_AXE

WALK = [
    "Step 1 of 14, forward: z = x × w1 = 2 × 1.5 = 3.",
    "Step 2 of 14, forward: h = relu(z) = relu(3) = 3.",
    "Step 3 of 14, forward: y_hat = h × w2 = 3 × (−0.5) = −1.5.",
    "Step 4 of 14, forward: e = y_hat − y = (−1.5) − 1 = −2.5.",
    "Step 5 of 14, forward: L = e ** 2 = (−2.5) ** 2 = 6.25.",
    "Step 6 of 14, backward: gradient of L = ∂L/∂L = 1: here the backward pass begins.",
    "Step 7 of 14, backward: Through L = e ** 2, upstream × local: "
    "gradient of e = gradient of L × 2 e = 1 × (−5) = −5.",
]


# Read from what the browser made of it: a broken transform has no items.
TURNS = """heads => heads.map((head) =>
    [head.transform.baseVal.getItem(1).angle, head.matches(".g")])"""


def test_steps_are_walked_forward_and_backward_and_announced(visit):
    four = visit("four")
    assert "·" in four.spot("z, value").inner_text()
    for words in WALK:
        four.button("Step").click()
        assert four.said().replace("v1", "e") == words
    assert four.spot("z, value: 3").inner_text() == "3"
    assert four.spot("z, gradient: not known yet").count() == 1
    turns = four.root.locator("path.head").evaluate_all(TURNS)
    # The arrow along which the gradient came points back, all others ahead.
    assert sorted(turns) == [[0, False]] * 7 + [[180, True]]
    four.button("Step back").click()
    assert four.said() == WALK[5]
    four.button("To the end").click()
    assert four.said().endswith("That was the last step.")
    assert four.spot("w1, gradient: 5").inner_text() == "∇ 5"
    four.button("To the start").click()
    assert four.said() == "Start, 14 steps: only the leaves have their numbers."


def test_steps_by_the_keyboard_alone(visit):
    four = visit("four")
    four.button("Step").focus()
    for _ in WALK:
        four.page.keyboard.press("ArrowRight")
    assert four.said().replace("v1", "e") == WALK[-1]
    four.page.keyboard.press("ArrowLeft")
    assert "Step 6 of 14" in four.text(".where")
    four.page.keyboard.press("End")
    assert "Step 14 of 14" in four.text(".where")
    four.page.keyboard.press("Home")
    assert "Start" in four.text(".where")
    four.page.keyboard.press("Enter")
    assert "Step 1 of 14" in four.text(".where")


def test_play_goes_on_by_itself_until_it_is_paused(visit):
    four = visit("four")
    # Time stands still but where the test lets it run.
    four.page.clock.install(time=0)
    four.page.clock.pause_at(1000)
    four.button("Play").click()
    four.page.clock.run_for(3000)
    assert "Step 3 of 14" in four.text(".where")
    four.button("Pause").click()
    four.page.clock.run_for(5000)
    assert "Step 3 of 14" in four.text(".where")


def test_a_value_used_twice_has_shares_that_add_up(visit):
    twice = visit("twice")
    twice.button("To the end").click()
    assert twice.said().endswith(
        "gradient of x = sum of the shares = 3 + 3 + 1 = 7. That was the last step."
    )
    through = "Through a = x × x, upstream × local: ∇a × x = 1 × 3 = 3"
    assert through in twice.text(".rule")
    assert "∇x = sum of the shares = 3 + 3 + 1 = 7" in twice.text(".rule")
    shares = twice.root.locator('.spot.e[aria-label^="x, share"]').all_inner_texts()
    assert sorted(shares) == ["∇ 1", "∇ 3", "∇ 3"]
    twice.spot("x, share of the gradient from L").click()
    assert "upstream × local: ∇L = 1 × 1 = 1" in twice.text(".rule")


def marked(explorer):
    spots = explorer.root.locator(".spot.mark")
    names = spots.evaluate_all(
        "spots => spots.map((spot) => spot.ariaLabel.split(':')[0])"
    )
    return set(names)


def test_row_and_column_meet_in_an_entry_of_a_product(visit):
    net = visit("network")
    # A step shows the first entry as an example.
    net.button("Step").click()
    assert net.said().endswith("at row 1, column 1: 1 × 0.5 + 2 × 2 = 4.5.")
    assert "X at row 1, column 2, value" in marked(net)
    net.button("To the end").click()
    net.spot("Z1 at row 1, column 2, value").click()
    assert "1 × (−1) + 2 × 1 = 1" in net.text(".rule")
    assert marked(net) == {
        *("X at row 1, column 1, value", "X at row 1, column 2, value"),
        *("W1 at row 1, column 2, value", "W1 at row 2, column 2, value"),
    }


def test_the_transpose_is_seen_in_the_gradient_of_an_entry(visit):
    net = visit("network")
    net.button("To the end").click()
    net.spot("W1 at row 2, column 1, gradient").click()
    # Row 2 of the transpose of X, which is its column 2, meets column 1 of ∇Z1.
    assert "= Xᵀ @ ∇Z1 = 9 × 2 + 4 × 0.5 = 20" in net.text(".rule")
    assert marked(net) == {
        *("X at row 1, column 2, value", "X at row 2, column 2, value"),
        *("Z1 at row 1, column 1, gradient", "Z1 at row 2, column 1, gradient"),
    }
    assert "central difference 20, as the gradient" in net.text(".rule")


def test_arrow_keys_lead_through_the_numbers_and_tab_to_the_field(visit):
    four = visit("four")
    four.button("To the end").click()
    four.spot("w1, value").focus()
    label = "document.querySelector('[data-backprop-play]').shadowRoot.activeElement"
    for key, found in [
        ("ArrowUp", "w1 is a leaf"),
        ("ArrowDown", "w1, value"),
        ("ArrowDown", "w1, gradient"),
        ("ArrowUp", "w1, value"),
    ]:
        four.page.keyboard.press(key)
        assert four.page.evaluate(f"{label}.ariaLabel").startswith(found)
    four.page.keyboard.press("Tab")
    four.page.keyboard.type("-2")
    assert four.root.get_by_role("textbox", name="w1").input_value() == "-2"
    assert four.spot("z, value: −4").count() == 1


def test_one_tab_stop_leads_into_the_graph(visit):
    four = visit("four")
    stops = four.root.locator(".graph [tabindex='0']")
    assert stops.count() == 1
    four.spot("h relu").click()
    assert stops.get_attribute("aria-label").startswith("h relu: h = relu(z)")


def test_a_number_that_is_typed_changes_all_at_once_and_a_wrong_one_nothing(visit):
    four = visit("four")
    four.button("To the end").click()
    four.spot("w1, value").click()
    field = four.root.get_by_role("textbox", name="w1")
    field.fill("−0,5")
    assert four.spot("L, value: 1").count() == 1
    field.fill("1e")
    assert "Expected a number" in four.text(".problem")
    assert field.get_attribute("aria-invalid") == "true"
    assert four.spot("w1, value: −0.5").count() == 1
    four.button("Reset").click()
    assert four.spot("L, value: 6.25").count() == 1


def test_a_relu_that_blocks_looks_blocked_and_says_so(visit):
    four = visit("four")
    four.button("To the end").click()
    assert not four.root.locator(".blocked").count()
    four.spot("w1, value").click()
    four.root.get_by_role("textbox", name="w1").fill("-1")
    assert four.root.locator(".blocked").inner_text().startswith("h")
    assert four.spot("h, value: 0, blocked").count() == 1
    four.spot("z, gradient").click()
    assert "blocked: ReLU passes nothing back here" in four.text(".rule")


def test_at_a_kink_the_check_says_why_it_differs(visit):
    learn = visit("learn")
    learn.button("kink").click()
    learn.spot("w1, gradient").click()
    words = learn.text(".rule")
    assert "not 0: the input of h is at its kink" in words
    assert "The slope is 0 on the left, 2 on the right" in words


def test_descent_steps_are_taken_undone_and_forgotten_when_a_number_moves(visit):
    learn = visit("learn")
    assert learn.text(".extras span") == "Loss 6.25"
    learn.button("One step").click()
    after = learn.said()
    assert re.fullmatch(r"Loss [\d.]+ after 1 step, 6.25 before", after)
    # w1 − 0.05 · 5 and w2 − 0.05 · (−15); x and y are no parameters.
    assert learn.spot("w1, value: 1.25").count() == 1
    assert learn.spot("w2, value: 0.25").count() == 1
    assert learn.spot("x, value: 2").count() == 1
    learn.button("Ten steps").click()
    assert "after 11 steps" in learn.said()
    for _ in range(11):
        learn.button("Undo").click()
    assert learn.said() == "Loss 6.25"
    assert learn.spot("w1, value: 1.5").count() == 1
    learn.button("One step").click()
    learn.button("dead").click()
    assert "after" not in learn.text(".extras span")


def test_a_rate_that_is_no_number_is_refused(visit):
    learn = visit("learn")
    learn.root.get_by_role("textbox", name="Learning rate").fill("fast")
    learn.button("One step").click()
    assert learn.said() == "Expected a number, such as 0.5."
    assert learn.spot("w1, value: 1.5").count() == 1


def test_a_goal_is_judged_at_once(visit):
    learn = visit("learn")
    assert learn.text(".extras p").endswith("not yet")
    learn.button("dead").click()
    assert "central difference 0, as the gradient" in learn.text(".rule")
    assert learn.text(".extras p") == "Goal: ∇w1 = 0, L > 0.5: reached ✓"
    assert learn.said() == "Goal reached ✓"


def test_a_loss_that_overflows_reaches_no_goal(visit):
    learn = visit("learn", "?play1=v1_-1*v6_-1e200")
    assert learn.text(".extras p") == "Goal: ∇w1 = 0, L > 0.5: not yet"


def test_the_valley_shows_the_rate_past_which_descent_diverges(visit):
    valley = visit("valley")
    words = valley.text(".valley + p")
    assert "λ = 4" in words
    assert "2/λ = 0.5" in words
    # For a parabola the bound is exact: below it the loss falls, above it grows.
    valley.button("Ten steps").click()
    found = re.match(r"Loss (\S+) after 10 steps, (\S+) before", valley.said())
    assert float(found[1]) < float(found[2])
    valley.button("too fast").click()
    valley.button("Ten steps").click()
    assert float(re.search(r"Loss ([\d.e]+)", valley.said())[1]) > 100
    box = valley.root.locator(".valley").bounding_box()
    valley.page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    assert valley.spot("w, value: 0.5").count() == 1
    assert valley.spot("b, value: 0").count() == 1


@pytest.mark.parametrize("optimiser", ["momentum 0.9", "Adam"])
def test_other_optimisers_take_their_steps(visit, optimiser):
    learn = visit("learn")
    learn.root.get_by_role("combobox", name="Optimiser").select_option(optimiser)
    for _ in range(2):
        learn.button("One step").click()
    (w1,) = re.findall(
        r"value: ([−\d.]+)", learn.spot("w1, v").get_attribute("aria-label")
    )
    expected = {"momentum 0.9": two_steps(momentum=True), "Adam": two_steps()}
    assert float(w1.replace("−", "-")) == pytest.approx(expected[optimiser], abs=1e-3)


def two_steps(momentum=False):
    """Return w1 after two steps from the start, by the formulas of the chapter."""
    w, m, v = [1.5, -0.5], [0.0, 0.0], [0.0, 0.0]
    for t in (1, 2):
        h = max(2 * w[0], 0)
        e = h * w[1] - 1
        grad = [2 * e * w[1] * 2, 2 * e * h]
        for k, g in enumerate(grad):
            if momentum:
                m[k] = 0.9 * m[k] + g
                w[k] -= 0.05 * m[k]
            else:
                m[k], v[k] = 0.9 * m[k] + 0.1 * g, 0.999 * v[k] + 0.001 * g * g
                root = (v[k] / (1 - 0.999**t)) ** 0.5
                w[k] -= 0.05 * m[k] / (1 - 0.9**t) / (root + 1e-8)
    return w[0]


def test_an_expression_becomes_a_graph_and_a_wrong_one_is_answered(visit):
    write = visit("write")
    field = write.root.get_by_role("textbox", name="Expression")
    field.fill("x = [[1, 2]]\n(x @ x.T) * 3")
    write.button("Draw the graph").click()
    assert "shape (1, 1)" in write.said() or "nodes" in write.said()
    write.button("To the end").click()
    assert write.spot("x at row 1, column 2, gradient: 12").count() == 1
    field.fill("x = 1\nx + * 2")
    write.button("Draw the graph").click()
    assert write.text(".extras .problem").startswith("Line 2, character 5: expected")
    assert field.evaluate("field => [field.selectionStart, field.selectionEnd]") == [
        10,
        11,
    ]
    assert write.spot("x at row 1, column 2, gradient: 12").count() == 1


def test_what_is_typed_is_never_executed_nor_html(visit):
    write = visit("write")
    field = write.root.get_by_role("textbox", name="Expression")
    for text in WRONG:
        field.fill(text)
        write.button("Draw the graph").click()
        assert re.match(r"Line \d+, character \d+: ", write.text(".extras .problem"))
    assert not write.root.locator("img, script").count()
    write.button("To the start").click()
    assert write.said().startswith("Start, ")


@pytest.mark.parametrize(
    ("name", "exercise"), [("practise", (2, 5)), ("arrays", (3, 2))]
)
def test_all_gradients_are_practised_from_the_result_back(visit, name, exercise):
    run = """const run = ([grade, seed]) => {
      const {nodes, gradients} = makeExercise(grade, seed);
      return Object.fromEntries(nodes.flatMap(({id, label, shape}) =>
        gradients[id].map((x, k) => [
          `∇${label}${shape.length ? ` at ${placeOf(k, shape)}` : ""}`, x])));
    };"""
    (answers,) = run_in_node(run, [exercise])
    practise = visit(name)
    status = lambda: practise.text("[role=status]")  # noqa: E731
    assert status() == "Fill in the gradients ∇, from the result back."
    # Only that of the result is known, and no share tells another.
    assert practise.root.locator(".spot.g:not(.hidden)").count() == 1
    assert not practise.root.locator(".spot.share:not(.hidden)").count()
    # Nor can the numbers be changed.
    practise.root.locator(".leaf .spot.v").first.click()
    assert not practise.root.get_by_role("slider").count()
    practise.page.reload()
    field = practise.root.locator("form input")
    for k in range(len(answers) - 1):
        right = answers[field.get_attribute("aria-label")]
        for wrong, reply in (
            ("x", "Expected a number"),
            ("12345", "Not yet: work out"),
        ):
            if k == 0:
                field.fill(wrong)
                practise.button("Check").click()
                assert status().startswith(reply)
        field.fill(f"{right}")
        practise.page.keyboard.press("Enter")
        assert status().startswith("Right.")
    assert status() == "Right. All gradients are found."
    assert not practise.root.locator(".spot.g.hidden, .spot.share.hidden").count()


def test_addresses_bring_back_numbers_and_step_beside_an_anchor(visit):
    four = visit("four", "#part")
    four.click_to(3)
    four.spot("w1, value").click()
    four.root.get_by_role("textbox", name="w1").fill("-1")
    four.page.wait_for_url("**?play1=v1_-1\\*s3#part")
    address = four.page.url
    assert four.page.evaluate("history.length") == 2
    again = visit("four", address.partition(".html")[2])
    assert "Step 3 of 14" in again.text(".where")
    assert again.spot("w1, value: −1").count() == 1


def test_a_broken_address_is_answered_and_the_page_goes_on(visit):
    scaled = visit("scaled")
    start = scaled.page.url.partition("?")[0]
    for state, words in BROKEN.items():
        scaled.page.goto(f"{start}?play1={quote(state[:50_000])}")
        left_out = "The link’s numbers were left out: " if words else ""
        assert scaled.said().startswith(left_out), state
        assert scaled.root.locator(".live.problem").count() == bool(words)
        scaled.button("Step").click()
        assert re.match(r"Step \d of \d, forward: ", scaled.said())


def test_a_link_carries_an_expression_and_an_exercise(visit):
    write = visit("write", "?play1=r0*s0*ea = 3%0Aa * a")
    assert write.spot("a, value: 3").count() == 1
    practise = visit("practise", "?play1=g3_17*s9")
    assert practise.button("Grade 3").get_attribute("aria-pressed") == "true"


def test_in_a_notebook_each_output_brings_its_script_and_keeps_its_state(visit):
    first = visit("notebook")
    assert first.page.locator("section.play").count() == 2
    first.button("To the end").click()
    first.page.wait_for_timeout(500)
    assert "play" not in first.page.url.partition(".html")[2]


# VS Code inserts an output and then its scripts; Colab shows it in a frame.
INSERTED = """(html) => {
    document.body.innerHTML = html;
    for (const old of document.querySelectorAll("script")) {
        const made = document.createElement("script");
        made.textContent = old.textContent;
        old.replaceWith(made);
    }
}"""
FRAMED = """(html) => {
    const frame = document.createElement("iframe");
    Object.assign(frame, {sandbox: "allow-scripts", srcdoc: html, height: 600});
    document.body.replaceChildren(frame);
}"""


@pytest.mark.parametrize("way", [INSERTED, FRAMED], ids=["inserted", "framed"])
def test_an_output_works_in_the_ways_of_other_notebooks(visit, way):
    page = visit("without").page
    page.evaluate(way, play(used_twice())._repr_html_())
    explorer = Explorer(page.frames[-1])
    explorer.button("To the end").click()
    assert "= 3 + 3 + 1 = 7" in explorer.text(".rule")


def test_without_scripts_and_on_paper_the_picture_is_there_with_its_words(visit):
    bare = visit("four", java_script_enabled=False)
    picture = bare.page.locator("[data-backprop-play] figure")
    assert picture.is_visible()
    paper = visit("four")
    picture = paper.page.locator("[data-backprop-play] figure")
    assert not picture.is_visible()
    paper.page.emulate_media(media="print")
    assert picture.is_visible()
    assert not paper.root.is_visible()


def test_in_forced_colours_the_step_and_its_edge_are_seen(visit):
    four = visit("four", forced_colors="active", reduced_motion="reduce")
    four.click_to(7)
    style = "(all, name) => [...new Set(all.map((e) => getComputedStyle(e)[name]))]"
    seen = lambda part, name: four.root.locator(part).evaluate_all(style, name)  # noqa: E731
    (highlight,) = seen("path.g", "stroke")
    assert seen(".node.current", "outlineColor") == [highlight]
    assert highlight not in seen("path:not(.g)", "stroke")
    assert seen(".spot.mark", "borderStyle") == ["dashed"]


def test_motion_is_reduced_where_that_is_asked_for(visit):
    still = visit("four", reduced_motion="reduce")
    style = "(element, name) => getComputedStyle(element)[name]"
    line, box = still.root.locator("path").first, still.root.locator(".graph")
    assert line.evaluate(style, "transitionDuration") == "0s"
    assert box.evaluate(style, "scrollBehavior") == "auto"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize(
    "name", ["four", "network", "forty", "learn", "write", "arrays", "valley"]
)
def test_axe_finds_nothing_at_the_start_and_in_the_middle(visit, name, width, scheme):
    explorer = visit(name, width=width, color_scheme=scheme, reduced_motion="reduce")
    page = explorer.page
    page.add_script_tag(path=AXE)
    assert not page.evaluate(RUN_AXE, [scheme, "all"])
    if name != "arrays":
        explorer.button("Step").focus()
        page.keyboard.press("Home")
        explorer.click_to(7)
        explorer.root.locator(".leaf .spot.v").first.click()
    assert not page.evaluate(RUN_AXE, [scheme, "all"])
    assert page.evaluate("document.scrollingElement.scrollWidth") <= width


COLOURS = """(element) => {
    const pen = document.createElement("canvas").getContext("2d");
    const page = getComputedStyle(document.body).backgroundColor;
    const ground = page === "rgba(0, 0, 0, 0)" ? "white" : page;
    const layers = [[ground], [ground, getComputedStyle(element).color]];
    return layers.map((colours) => {
        for (const colour of colours) {
            pen.fillStyle = colour;
            pen.fillRect(0, 0, 1, 1);
        }
        return [...pen.getImageData(0, 0, 1, 1).data].slice(0, 3);
    });
}"""


def luminance(colour):
    parts = [c / 255 for c in colour]
    linear = [c / 12.92 if c < 0.04 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return sum(c * w for c, w in zip(linear, (0.2126, 0.7152, 0.0722), strict=True))


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_numbers_of_both_colours_can_be_read(visit, scheme):
    """Where colours are mixed, axe gives no verdict."""
    four = visit("four", color_scheme=scheme)
    four.button("To the end").click()
    for start in ("z, value", "z, gradient"):
        low, high = sorted(map(luminance, four.spot(start).evaluate(COLOURS)))
        assert (high + 0.05) / (low + 0.05) > 5.5
