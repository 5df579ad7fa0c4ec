"""What readers do on the site, in a real browser."""

import pytest

from chapter_files import toc_files
from site_visits import PHONE, SETTLED

# What the Tab key is to reach: all that is shown and can be acted on.
REACHABLE = """() => {
    const all = "a[href], button, input, summary, [tabindex='0']";
    return [...document.querySelectorAll(all)].filter((element) =>
        element.checkVisibility({visibilityProperty: true})
        && element.tabIndex >= 0 && !element.disabled).length;
}"""
REMEMBER = """() => {
    let here = document.activeElement;
    // The explorer is a page within the page.
    while (here?.shadowRoot?.activeElement) here = here.shadowRoot.activeElement;
    if (!here || here === document.body || here.dataset.seen) return null;
    here.dataset.seen = "1";
    const style = getComputedStyle(here);
    const box = here.getBoundingClientRect();
    return {
        what: here.outerHTML.slice(0, 120),
        marked: here.matches(":focus-visible") && (style.outlineStyle !== "none"
            || style.boxShadow !== "none"),
        inside: box.right > 0 && box.left < innerWidth,
    };
}"""
MISSED = """() => {
    const codes = [...document.querySelectorAll("main pre")].filter((code) =>
        code.checkVisibility({visibilityProperty: true})
        && code.scrollWidth > code.clientWidth);
    const missed = codes.filter((code) => !code.dataset.seen);
    return [codes.length, missed.map((code) => code.textContent.slice(0, 80))];
}"""
# The rules of the original style sheets that select something, and that the light one
# lacks. What depends on the pointer counts as if it were so.
LOST_RULES = """async (names) => {
    const parts = (text) => text.split(/,(?![^(]*\\))/).map((part) => part.trim());
    const rules = (sheet) => [...sheet.cssRules ?? []].flatMap((rule) =>
        rule.selectorText ? parts(rule.selectorText) : rules(rule));
    const kept = new Set([...document.styleSheets].flatMap(rules));
    const lost = [];
    for (const name of names) {
        const sheet = new CSSStyleSheet();
        const root = document.documentElement.dataset.content_root;
        sheet.replaceSync(await (await fetch(`${root}_static/${name}`)).text());
        for (const selector of rules(sheet)) {
            const states =
                /::?(?:before|after|hover|focus|active|visited|focus-\\w+)/g;
            let found = null;
            try { found = document.querySelector(selector.replace(states, "")); }
            catch { continue; }
            if (found && !kept.has(selector)) lost.push(`${name}: ${selector}`);
        }
    }
    return [lost, kept.size];
}"""


def test_next_leads_from_the_first_page_to_the_last(page, site, book):
    page.goto(f"{site}/index.html")
    page.wait_for_url("**/chapters/index.html")
    page.locator("a.right-next").click()
    first, second, *_ = names = toc_files()
    page.wait_for_url(f"**/{second}.html")
    visited = [first]
    while link := book.page(visited[-1].rsplit("/")[-1]).select_one("a.right-next"):
        visited.append(f"chapters/{link['href'].removesuffix('.html')}")
    assert visited == names


def test_a_solution_is_hidden_until_it_is_asked_for(page, site):
    page.goto(f"{site}/chapters/lab_numpy.html")
    solution = page.locator("details.solution").first
    title, code = solution.locator("summary"), solution.locator(".cell_input").first
    assert title.inner_text().startswith("Solution to Exercise 7.1 (A mean")
    assert not title.locator("a").count()
    assert not code.is_visible()
    title.focus()
    page.keyboard.press("Enter")
    code.wait_for(state="visible")


def test_a_solution_opens_without_a_script_and_for_a_link_into_it(browser, site):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    code = page.locator("details.solution .cell_input").first
    page.goto(f"{site}/chapters/lab_numpy.html")
    assert not code.is_visible()
    page.locator("details.solution summary").first.click(position={"x": 9, "y": 9})
    code.wait_for(state="visible")
    page.goto(f"{site}/chapters/lab_tensor.html#solution-content")
    code.wait_for(state="visible")
    context.close()


def test_a_link_to_a_solution_opens_it(page, site, book):
    (fold, *_) = book.page("lab_numpy").select("details.solution")
    page.goto(f"{site}/chapters/lab_numpy.html#{fold['id']}")
    solution = page.locator("details.solution").first
    assert solution.evaluate("(fold) => fold.open")
    code = solution.locator(".cell_input").first
    assert code.is_visible()


def test_a_search_for_words_in_a_solution_opens_it(page, site):
    # A link to words makes the browser find them, as the reader's Control+F does.
    words = "Dividing%20the%20loss%20by%20a%20constant"
    page.goto(f"{site}/chapters/lab_numpy.html#:~:text={words}")
    page.wait_for_function("document.querySelector('details.solution').open")


@pytest.mark.parametrize("size", [None, PHONE], ids=["wide", "phone"])
def test_a_formula_is_copied_as_latex(page, site, size):
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    if size:
        page.set_viewport_size(size)
    page.goto(f"{site}/chapters/lab_numpy.html")
    page.evaluate(
        """() => {
            const exercise = document.getElementById("ex-numpy-mean");
            const text = exercise.querySelector(":scope section p");
            getSelection().selectAllChildren(text);
        }"""
    )
    page.keyboard.press("Control+c")
    copied = page.evaluate("navigator.clipboard.readText()")
    assert r"minimise the mean $L / (N D_{\mathrm{out}})$" in copied


def test_code_that_wraps_is_copied_as_it_was_written(page, site):
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.set_viewport_size(PHONE)
    page.goto(f"{site}/chapters/lab_numpy.html")
    cell = page.locator(".cell_input:visible pre:has(span.long)").first
    one = cell.evaluate("(code) => parseFloat(getComputedStyle(code).lineHeight)")
    line = cell.locator("span.long").last
    assert line.evaluate("(line) => line.clientHeight") > 1.5 * one, "it does not wrap"
    cell.evaluate("(code) => getSelection().selectAllChildren(code)")
    page.keyboard.press("Control+c")
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied.strip() == cell.evaluate("(code) => code.textContent").strip()


def test_code_is_copied_as_it_stands(page, site):
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.goto(f"{site}/chapters/lab_numpy.html")
    cell = page.locator("div.cell_input:visible").first
    cell.hover()
    cell.locator("button.copybtn").click()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied.strip() == cell.locator("pre").inner_text().strip()
    names = page.locator("button.copybtn").evaluate_all(
        "all => all.map((button) => button.getAttribute('aria-label'))"
    )
    assert f"Copy: {copied.strip().splitlines()[0]}" in names
    assert len(set(names)) > len(names) / 2


def test_dark_is_chosen_and_stays(page, site):
    page.add_init_script("localStorage.mode ??= 'light'")
    page.goto(f"{site}/chapters/lab_numpy.html")
    theme = "document.documentElement.dataset.theme"
    page.locator("button.theme-switch-button").click()
    while page.evaluate("document.documentElement.dataset.mode") != "dark":
        page.locator("button.theme-switch-button").click()
    assert page.evaluate(theme) == "dark"
    page.goto(f"{site}/chapters/lab_tensor.html")
    assert page.evaluate(theme) == "dark"
    light = page.evaluate("getComputedStyle(document.body).backgroundColor")
    red = int(light.removeprefix("rgb(").split(",")[0])
    assert red < 60, f"dark, and the background is {light}"


@pytest.mark.parametrize("name", ["index", "lab_numpy", "api"])
def test_the_keyboard_reaches_everything_and_shows_where_it_is(page, site, name):
    page.goto(f"{site}/chapters/{name}.html")
    page.wait_for_timeout(400)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to main content"
    assert page.locator("#pst-skip-link a").is_visible()
    stops = [page.evaluate(REMEMBER)]
    expected = page.evaluate(REACHABLE)
    while stops[-1]:
        page.keyboard.press("Tab")
        stops.append(page.evaluate(REMEMBER))
    stops.pop()
    assert len(stops) >= expected, "some places are out of the keyboard's reach"
    assert not [stop["what"] for stop in stops if not stop["marked"]]
    assert not [stop["what"] for stop in stops if not stop["inside"]]


def test_the_keyboard_reaches_all_code_that_scrolls_from_the_start(page, site):
    page.set_viewport_size(PHONE)
    page.goto(f"{site}/chapters/lab_data.html")
    page.wait_for_function(SETTLED, timeout=10_000)
    page.keyboard.press("Tab")
    while page.evaluate(REMEMBER):
        page.keyboard.press("Tab")
    scrolling, missed = page.evaluate(MISSED)
    assert scrolling
    assert not missed


def test_the_skip_link_leads_to_the_text(page, site):
    page.goto(f"{site}/chapters/lab_numpy.html")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate("!!document.activeElement.closest('main')")


def test_a_figure_grows_on_a_phone_and_fits_again(page, site):
    page.set_viewport_size(PHONE)
    page.goto(f"{site}/chapters/lab_numpy.html")
    figure = page.locator("a.figure").first
    image = figure.locator("img")
    full = float(image.get_attribute("width"))
    width = "(image) => image.clientWidth"
    assert image.evaluate(width) < full
    figure.focus()
    for press in (figure.click, lambda: page.keyboard.press("Enter")):
        press()
        assert image.evaluate(width) == full
        assert figure.evaluate("(box) => box.scrollWidth > box.clientWidth")
        assert page.evaluate("document.scrollingElement.scrollWidth") <= PHONE["width"]
        press()
        assert image.evaluate(width) < full


def test_a_figure_that_is_whole_is_no_link(page, site):
    page.goto(f"{site}/chapters/lab_numpy.html")
    assert page.locator("a.figure").count()
    assert not page.locator("a.figure[href]").count()
    page.locator("a.figure img").first.click()
    assert page.url == f"{site}/chapters/lab_numpy.html"


# What a page has of black on dark grey, or of white on white.
PALE = """() => {
    const light = (colour) => colour.match(/[\\d.]+/g).slice(0, 3)
        .reduce((sum, part) => sum + part / 3, 0);
    const ground = (element) => {
        for (; element; element = element.parentElement) {
            const colour = getComputedStyle(element).backgroundColor;
            if (!/, 0\\)$/.test(colour)) return light(colour);
        }
        return 255;
    };
    return [...document.querySelectorAll("article p, article pre, article pre span")]
        .filter((text) => text.checkVisibility() && text.textContent.trim())
        .filter((text) =>
            Math.abs(light(getComputedStyle(text).color) - ground(text)) < 60)
        .map((text) => text.outerHTML.slice(0, 100));
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_without_a_script_the_page_can_be_read_and_no_button_is_dead(
    browser, site, scheme
):
    context = browser.new_context(
        java_script_enabled=False, color_scheme=scheme, viewport=PHONE
    )
    page = context.new_page()
    page.goto(f"{site}/chapters/lab_numpy.html")
    assert not page.evaluate(PALE)
    assert not page.locator("button:visible, input:visible").count()
    assert page.locator("a.right-next").is_visible()
    page.goto(f"{site}/search.html")
    assert page.locator("noscript p").bounding_box()["height"] > 20
    page.locator("noscript p a").last.click()
    assert page.url.endswith("/chapters/glossary.html")
    context.close()


def test_a_wide_formula_scrolls_from_its_start_on_a_phone(page, site):
    page.set_viewport_size(PHONE)
    page.goto(f"{site}/chapters/lab_numpy.html")
    boxes = page.evaluate(
        """() => [...document.querySelectorAll(".katex-display .katex-html, div.math")]
            .filter((box) => box.scrollWidth > box.clientWidth + 1)
            .map((box) => box.getBoundingClientRect().left
                - box.querySelector(".base").getBoundingClientRect().left)"""
    )
    assert boxes, "no formula is wider than the phone: nothing was tested"
    assert max(boxes) <= 1, "a formula's left end is out of reach"


@pytest.mark.parametrize(
    "address", ["chapters/lab_numpy.html", "chapters/api.html", "search.html?q=chain"]
)
def test_the_light_style_sheet_lacks_no_rule_that_the_page_uses(
    page, site, book, address
):
    page.goto(f"{site}/{address}")
    for menu in page.locator("[data-bs-toggle='dropdown']").all():
        menu.click()
    for title in page.locator("main summary:visible").all()[:3]:
        title.click()
    page.locator("button.theme-switch-button").hover()
    page.locator(".tooltip").wait_for()
    static = book.html / "_static"
    sheets = [sheet.relative_to(static) for sheet in static.rglob("*.css")]
    names = [str(s) for s in sheets if s.parts[0] not in ("light", "vendor")]
    assert len(names) > 10
    lost, kept = page.evaluate(LOST_RULES, names)
    assert not lost
    assert kept > 200


def focus_on(page, selector):
    """Go there with the keyboard, as its mark of focus shows."""
    page.keyboard.press("Tab")
    page.locator(f"{selector}:visible").first.focus()


def test_the_theme_switch_keeps_the_keyboard_where_it_is(page, site):
    page.goto(f"{site}/chapters/glossary.html")
    focus_on(page, ".theme-switch-button")
    themes = []
    for _ in range(3):
        page.keyboard.press("Enter")
        themes.append(page.evaluate("document.documentElement.dataset.mode"))
    assert {*themes} == {"light", "dark", "auto"}


@pytest.mark.parametrize("menu", ["primary", "secondary"])
def test_a_menu_that_the_keyboard_closes_gives_it_back(browser, site, menu):
    page = browser.new_page(viewport={"width": 390, "height": 844})
    page.goto(f"{site}/chapters/chain_rule.html")
    focus_on(page, f".{menu}-toggle")
    page.keyboard.press("Enter")
    page.locator("dialog[open]").wait_for()
    page.keyboard.press("Escape")
    focused = page.evaluate_handle("document.activeElement")
    assert focused.evaluate(f"(button) => button.matches('.{menu}-toggle')")
    page.close()
