"""All that a reader can do, by mouse, by keyboard and by touch."""

import pytest

WAYS = {
    "mouse": [(1280, "light"), (390, "dark")],
    "keyboard": [(1280, "dark"), (390, "light")],
    "touch": [(390, "light"), (1280, "dark")],
}
CASES = [(way, *case) for way, cases in WAYS.items() for case in cases]
FOCUSED = "(element) => element.getRootNode().activeElement === element"


class Reader:
    """A reader who has only one way to use an explorer."""

    def __init__(self, visit, way, width, scheme):
        self.visit, self.way = visit, way
        self.settings = {"width": width, "color_scheme": scheme}
        if way == "touch":
            self.settings |= {"has_touch": True, "is_mobile": width < 500}

    def open(self, name):
        self.explorer = self.visit(name, **self.settings)
        self.page = self.explorer.page
        return self.explorer

    def press(self, element):
        if self.way == "mouse":
            element.click()
        elif self.way == "touch":
            element.tap()
        elif element.get_attribute("tabindex") == "-1":
            # A number: arrow keys lead to it from the graph's one tab stop.
            element.focus()
        else:
            for _ in range(50):
                if element.evaluate(FOCUSED):
                    break
                self.page.keyboard.press("Tab")
            self.page.keyboard.press("Enter")

    def button(self, name):
        self.press(self.explorer.button(name))

    def write(self, field, text):
        """Type over what a field holds."""
        self.press(field)
        self.page.keyboard.press("Control+A")
        self.page.keyboard.type(text)

    def drag(self, x, y, far):
        if self.way == "mouse":
            self.page.mouse.move(x, y)
            self.page.mouse.down()
            self.page.mouse.move(x + far, y, steps=4)
            self.page.mouse.up()
            return
        touch = self.page.context.new_cdp_session(self.page)
        for kind, at in (("Start", 0), ("Move", far / 2), ("Move", far), ("End", None)):
            points = [] if at is None else [{"x": x + at, "y": y}]
            event = {"type": f"touch{kind}", "touchPoints": points}
            touch.send("Input.dispatchTouchEvent", event)


@pytest.fixture(params=CASES, ids=lambda case: "-".join(map(str, case)))
def reader(visit, request):
    return Reader(visit, *request.param)


def value(explorer, name):
    label = explorer.spot(f"{name}, value").get_attribute("aria-label")
    return float(label.split(":")[1].split(",")[0].replace("−", "-"))


def test_step_look_and_move(reader):
    four = reader.open("four")
    for _ in range(6):
        reader.button("Step")
    assert four.said().startswith("Step 6 of 14, backward: gradient of L = ∂L/∂L = 1")
    reader.button("To the end")
    reader.press(four.spot("h relu"))
    assert "h = relu(z) = relu(3) = 3" in four.text(".rule")
    reader.press(four.spot("z, share of the gradient from h"))
    assert "Through h = relu(z), upstream × local" in four.text(".rule")
    reader.press(four.spot("w1, gradient"))
    assert "∇w1 = ∇z × x = 2.5 × 2 = 5" in four.text(".rule")
    assert "central difference 5, as the gradient" in four.text(".rule")
    reader.press(four.spot("w1, value"))
    reader.write(four.root.get_by_role("textbox", name="w1"), "0.5")
    assert value(four, "z") == 1
    slider = four.root.get_by_role("slider", name="w1")
    if reader.way == "keyboard":
        for key in ("Tab", *["ArrowRight"] * 10):
            reader.page.keyboard.press(key)
    else:
        slider.scroll_into_view_if_needed()
        box = slider.bounding_box()
        middle = (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        reader.drag(*middle, box["width"] / 4)
    # Ten keys up from 0.5, or from the slider's middle a quarter of its track or more:
    # the narrower it is, the more of it the thumb takes.
    low, high = (1, 1) if reader.way == "keyboard" else (2, 2.6)
    assert low <= value(four, "w1") <= high
    assert float(slider.input_value()) == value(four, "w1")
    reader.button("Reset")
    assert value(four, "w1") == 1.5


def test_learn_and_reach_a_goal(reader):
    learn = reader.open("learn")
    reader.button("One step")
    assert value(learn, "w1") == 1.25
    reader.button("Undo")
    assert learn.said() == "Loss 6.25"
    reader.button("dead")
    assert learn.said() == "Goal reached ✓"
    reader.press(learn.spot("z, gradient"))
    assert "blocked: ReLU passes nothing back here" in learn.text(".rule")


def test_the_start_in_the_valley(reader):
    valley = reader.open("valley")
    place = valley.root.locator(".valley")
    place.scroll_into_view_if_needed()
    box = place.bounding_box()
    if reader.way == "keyboard":
        for name, number in (("w", "0.5"), ("b", "0")):
            reader.press(valley.spot(f"{name}, value"))
            reader.write(valley.root.get_by_role("textbox", name=name), number)
    else:
        wide = box["width"]
        reader.drag(box["x"] + wide / 4, box["y"] + box["height"] / 2, wide / 4)
    assert value(valley, "w") == pytest.approx(0.5, abs=0.05)
    assert value(valley, "b") == pytest.approx(0, abs=0.05)
    assert "now at" in place.get_attribute("aria-label")


def test_write_and_practise(reader):
    write = reader.open("write")
    reader.write(write.root.get_by_role("textbox", name="Expression"), "3 * t")
    reader.button("Draw the graph")
    assert write.said() == "A graph of 3 nodes."
    practise = reader.open("practise")
    reader.button("Grade 1")
    field = practise.root.locator("form input")
    reader.write(field, "12345")
    reader.button("Check")
    assert practise.text("[role=status]").startswith("Not yet: ")
