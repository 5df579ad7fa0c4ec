"""Open a page of the built site once, in every mode, and note what tests ask for."""

import gzip
from dataclasses import dataclass, field

from chapter_files import ROOT

AXE = ROOT / "node_modules" / "axe-core" / "axe.min.js"
DESKTOP = {"width": 1280, "height": 900}
PHONE = {"width": 390, "height": 844}
# A4 less the margins of the style sheet, in the browser's pixels: 178 mm and 261 mm.
PAPER = {"width": 673, "height": 986}
HEADINGS = (
    f"{'page':36}{'outside':>8}{'console':>8}{'axe':>5}{'kB raw':>8}{'kB gz':>7}"
    f"{'requests':>9}"
)

FOLD = """(open) => {
    for (const details of document.querySelectorAll("main details"))
        details.open = open;
}"""
# The theme lets the keyboard into the boxes that scroll, a while after they do.
SETTLED = """() => [...document.querySelectorAll(
    "main pre, .pst-scrollable-table-container")].every((code) =>
    !code.checkVisibility()
    || (code.scrollWidth > code.clientWidth) === (code.tabIndex === 0))"""
# On the way up, the theme offers to go to the top.
SCROLL = """() => {
    const frame = () => new Promise((done) => requestAnimationFrame(done));
    const button = document.getElementById("pst-back-to-top");
    const down = document.documentElement.scrollHeight;
    window.scrollTo({top: down, behavior: "instant"});
    return frame().then(frame).then(() => {
        window.scrollTo({top: down - 1500, behavior: "instant"});
        return frame().then(frame);
    }).then(() => down < 4000 || button.style.display === "block");
}"""
# Half faded in, a text has half its contrast.
AT_ONCE = (
    "*, ::before, ::after {transition: none !important; animation: none !important}"
)
# Colours are those of the theme: the width of the screen changes them outside of the
# article alone, where a phone has other menus. They take three quarters of axe's time.
RUN_AXE = """([theme, rules]) => {
    document.documentElement.dataset.theme = theme;
    const colours = ["color-contrast", "link-in-text-block"];
    const others = Object.fromEntries(colours.map((id) => [id, {enabled: false}]));
    const [context, options] = {
        all: [document, {}],
        colours: [document, {runOnly: colours}],
        layout: [document, {rules: others}],
        menus: [{exclude: ["article"]}, {runOnly: colours}],
    }[rules];
    const found = axe.run(context, {resultTypes: ["violations"], ...options});
    return found.then((result) => result.violations.map((violation) =>
        [violation.id, violation.nodes.map((node) => node.html.slice(0, 200))]));
}"""
LOOK = """async () => {
    const images = [...document.images];
    for (const image of images) image.loading = "eager";
    await Promise.all(images.map((image) => image.decode().catch(() => {})));
    const maths = [...document.querySelectorAll(".katex")];
    maths[0]?.scrollIntoView();
    await new Promise((drawn) => requestAnimationFrame(() => setTimeout(drawn)));
    await document.fonts.ready;
    let release = "";
    if (maths.length) {
        const probe = document.createElement("span");
        probe.className = "katex";
        probe.innerHTML = '<span class="katex-version"></span>';
        document.body.append(probe);
        release = getComputedStyle(probe.firstChild, "::after").content;
        probe.remove();
    }
    const shown = (element) => element.checkVisibility();
    return {
        headings: [...document.querySelectorAll("h1")].filter(shown).length,
        broken: images.filter((image) => !image.naturalWidth || !image.alt.trim())
            .map((image) => image.src),
        fonts: [...new Set(maths.map((span) => getComputedStyle(span).fontFamily))],
        font_loaded: document.fonts.check("16px KaTeX_Main"),
        release: release.replaceAll('"', ""),
    };
}"""
LOOK_ON_A_PHONE = """() => {
    const scrolls = (box) => box.scrollWidth > box.clientWidth + 1
        && ["auto", "scroll"].includes(getComputedStyle(box).overflowX);
    const own = "pre, table, .pst-scrollable-table-container, .output, .math"
        + ", .katex-html, .bp-figure";
    return {
        width: document.scrollingElement.scrollWidth,
        scrolling: [...document.querySelectorAll("main *")]
            .filter((box) => scrolls(box) && !box.matches(own))
            .map((box) => box.outerHTML.slice(0, 200)),
        text: parseFloat(getComputedStyle(document.querySelector("main")).fontSize),
        figures: [...document.querySelectorAll("article img")].map((image) => ({
            source: image.getAttribute("src"),
            width: image.clientWidth,
            height: image.clientHeight,
            tall: parseFloat(image.getAttribute("height")),
            full: parseFloat(image.getAttribute("width")),
        })),
    };
}"""

CUT_OFF_ON_PAPER = """() => {
    const parts = ".bd-article :is(pre, img, table), .katex .base";
    const cut = (box) => {
        const right = box.getBoundingClientRect().right;
        const number = box.closest("div.math")?.querySelector(".eqno");
        return right > innerWidth + 1
            || (number && right > number.getBoundingClientRect().left + 1)
            || (box.matches("pre") && box.scrollWidth > box.clientWidth + 1);
    };
    return [...document.querySelectorAll(parts)].filter(cut)
        .map((box) => box.textContent.slice(0, 60) || box.src);
}"""


@dataclass
class Visit:
    """What was found on one page."""

    name: str
    foreign: list[str]
    complaints: list[str]
    raw: int = 0
    compressed: int = 0
    requests: int = 0
    violations: dict[tuple[str, ...], list] = field(default_factory=dict)
    desktop: dict = field(default_factory=dict)
    phone: dict = field(default_factory=dict)
    cut_off: list[str] = field(default_factory=list)

    def row(self) -> str:
        """Return the page's line in the table."""
        found = sum(len(rules) for rules in self.violations.values())
        return (
            f"{self.name:36}{len(self.foreign):8}{len(self.complaints):8}{found:5}"
            f"{self.raw / 1000:8.0f}{self.compressed / 1000:7.0f}{self.requests:9}"
        )


def watch(page, site: str) -> None:
    """Note in ``page`` requests to other hosts, and what the console complains of."""
    page.foreign, page.complaints = [], []

    def route(route):
        if route.request.url.startswith((site, "data:", "blob:")):
            route.continue_()
        else:
            page.foreign.append(route.request.url)
            route.abort()

    def complain(message):
        if message.type in ("error", "warning"):
            page.complaints.append(message.text)

    page.route("**/*", route)
    page.on("console", complain)
    page.on("pageerror", lambda error: page.complaints.append(str(error)))


class Visits:
    """The site's pages, each opened when it is first asked for."""

    def __init__(self, browser, site: str):
        self.site = site
        self.context = browser.new_context()
        self.context.add_init_script("localStorage.mode = localStorage.theme = 'light'")
        self.done: dict[str, Visit] = {}

    def __getitem__(self, name: str) -> Visit:
        """Return what was found on a page, named without its ending."""
        if name not in self.done:
            self.done[name] = self._visit(name)
        return self.done[name]

    def _visit(self, name: str) -> Visit:
        page, responses = self.context.new_page(), []
        page.on("response", lambda response: responses.append(response))
        watch(page, self.site)
        page.set_viewport_size(DESKTOP)
        page.goto(f"{self.site}/{name}.html", wait_until="load")
        visit = Visit(name, page.foreign, page.complaints)
        visit.desktop = page.evaluate(LOOK)
        page.wait_for_function(SETTLED, timeout=10_000)
        self._weigh(visit, responses)
        page.add_script_tag(path=AXE)
        page.add_style_tag(content=AT_ONCE)
        self._ask_axe(visit, page, "desktop", "light", "layout", folds="as they are")
        self._ask_axe(visit, page, "desktop", "light", "all", folds="open")
        self._ask_axe(visit, page, "desktop", "dark", "colours", folds="open")
        page.evaluate("document.documentElement.dataset.theme = 'light'")
        page.set_viewport_size(PAPER)
        page.emulate_media(media="print")
        visit.cut_off = page.evaluate(CUT_OFF_ON_PAPER)
        page.emulate_media(media="null")
        page.set_viewport_size(PHONE)
        visit.phone = page.evaluate(LOOK_ON_A_PHONE)
        self._ask_axe(visit, page, "phone", "light", "layout", folds="open")
        assert page.evaluate(SCROLL), "the button back to the top isn't shown"
        self._ask_axe(visit, page, "phone", "light", "menus", folds="open")
        self._ask_axe(visit, page, "phone", "dark", "menus", folds="open")
        page.close()
        return visit

    def _weigh(self, visit: Visit, responses: list) -> None:
        """Add up what came over the line, figures apart."""
        for response in responses:
            if "/_images/" in response.url or not response.url.startswith(self.site):
                continue
            body = response.body()
            visit.requests += 1
            visit.raw += len(body)
            visit.compressed += min(len(body), len(gzip.compress(body)))

    def _ask_axe(
        self, visit: Visit, page, screen: str, theme: str, rules: str, folds: str
    ) -> None:
        """Note what axe says of the page as it is now."""
        page.evaluate(FOLD, folds == "open")
        page.wait_for_function(SETTLED, timeout=10_000)
        found = page.evaluate(RUN_AXE, [theme, rules])
        visit.violations[screen, theme, rules, folds] = found
