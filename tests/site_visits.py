"""Open a page of the built site once, in every mode, and note what tests ask for."""

import gzip
from collections.abc import Iterable
from dataclasses import dataclass, field

from chapter_files import ROOT

AXE = ROOT / "node_modules" / "axe-core" / "axe.min.js"
DESKTOP = {"width": 1280, "height": 900}
PHONE = {"width": 390, "height": 844}
# A screen of 1280 pixels at 400 %.
NARROW = {"width": 320, "height": 640}
SCHEMES = ("light", "dark")
# A4 less the margins of the style sheet, in the browser's pixels: 178 mm and 261 mm.
PAPER = {"width": 673, "height": 986}
HEADINGS = (
    f"{'page':36}{'outside':>8}{'console':>8}{'axe':>5}{'kB raw':>8}{'kB gz':>7}"
    f"{'requests':>9}"
)

FOLDS_OPEN = """() => {
    for (const fold of document.querySelectorAll("main details")) fold.open = true;
}"""
IN_SCHEME = "(scheme) => document.documentElement.dataset.theme === scheme"
# What comes into view fades in, and so do the colours of another scheme; halfway, a
# colour is not its own.
FADED_IN = """async () => {
    await new Promise((drawn) => requestAnimationFrame(() => setTimeout(drawn)));
    await Promise.all(document.getAnimations().map((shown) => shown.finished));
}"""
# The theme lets the keyboard into the boxes that scroll, a while after they do.
SETTLED = """() => [...document.querySelectorAll(
    "main pre, .pst-scrollable-table-container")].every((code) =>
    !code.checkVisibility()
    || (code.scrollWidth > code.clientWidth) === (code.tabIndex === 0))"""
# To the end, a screen at a time, and a little up: there the theme offers the way to the
# top.
SCROLL = """async () => {
    const frame = () => new Promise((done) => requestAnimationFrame(done));
    const to = (top) => window.scrollTo({top, behavior: "instant"});
    for (let top = 0; top < document.documentElement.scrollHeight; top += innerHeight) {
        to(top);
        await frame();
    }
    // One that was passed too fast would not come, and be waited for without end.
    for (const image of document.images) image.loading = "eager";
    const shown = (image) => image.decode().catch(() => {});
    await Promise.all([...document.images].map(shown));
    const down = document.documentElement.scrollHeight;
    to(down);
    await frame().then(frame);
    to(down - 1500);
    await frame().then(frame);
    const button = document.getElementById("pst-back-to-top");
    return down < 4000 || button.style.display === "block";
}"""
RUN_AXE = """() => axe.run(document, {resultTypes: ["violations"]}).then((result) =>
    result.violations.map((violation) =>
        [violation.id, violation.nodes.map((node) => node.html.slice(0, 200))]))"""
LOOK = """async () => {
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
    const wide = (box) => box.checkVisibility() && box.scrollWidth > box.clientWidth;
    return {
        wide: [...document.querySelectorAll("main :is(pre, table)")]
            .map((box) => box.closest(".pst-scrollable-table-container") ?? box)
            .filter(wide).map((box) => box.textContent.slice(0, 80)),
        headings: [...document.querySelectorAll("h1")].filter(shown).length,
        broken: [...document.images]
            .filter((image) => !image.naturalWidth || !image.alt.trim())
            .map((image) => image.src),
        fonts: [...new Set(maths.map((span) => getComputedStyle(span).fontFamily))],
        font_loaded: document.fonts.check("16px KaTeX_Main"),
        release: release.replaceAll('"', ""),
    };
}"""
LOOK_ON_A_PHONE = """() => {
    const CODE = ":not(.output) > .highlight > pre";
    // The page's contents unfold the part that is being read: here all of them.
    for (const part of document.querySelectorAll(".page-toc ul"))
        part.style.display = "block";
    const scrolls = (box) => box.scrollWidth > box.clientWidth + 1
        && ["auto", "scroll"].includes(getComputedStyle(box).overflowX);
    const own = "pre, table, .pst-scrollable-table-container, .output, .math"
        + ", .katex-html, .bp-figure";
    return {
        width: document.scrollingElement.scrollWidth,
        scrolling: [...document.querySelectorAll("main *")]
            .filter((box) => scrolls(box) && !box.matches(own))
            .map((box) => box.outerHTML.slice(0, 200)),
        code: [...document.querySelectorAll(CODE)].filter(scrolls)
            .map((code) => code.textContent.slice(0, 80)),
        // Where a long line begins, from the edge of its box.
        shifted: [...document.querySelectorAll("main pre span.long")]
            .filter((line) => line.checkVisibility()).filter((line) => {
                const first = document.createRange();
                first.setStart(line, 0);
                first.setEnd(line, 1);
                const box = line.closest("pre"), style = getComputedStyle(box);
                const edge = box.getBoundingClientRect().left - box.scrollLeft
                    + parseFloat(style.paddingLeft) + parseFloat(style.borderLeftWidth);
                return Math.abs(first.getClientRects()[0].left - edge) > 1;
            }).map((line) => line.textContent),
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
    foreign: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)
    raw: int = 0
    compressed: int = 0
    requests: int = 0
    violations: dict[tuple[int, str, str], list] = field(default_factory=dict)
    desktop: dict = field(default_factory=dict)
    phone: dict = field(default_factory=dict)
    narrow: dict = field(default_factory=dict)
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
    """The site's pages, each opened in all modes when it is first asked for."""

    def __init__(self, browser, site: str):
        self.browser, self.site = browser, site
        self.done: dict[str, Visit] = {}

    def __getitem__(self, name: str) -> Visit:
        """Return what was found on a page, named without its ending."""
        if name not in self.done:
            self.done[name] = Visit(name)
            for size in (DESKTOP, PHONE):
                self._visit(self.done[name], size)
        return self.done[name]

    def _visit(self, visit: Visit, size: dict[str, int]) -> None:
        """Look at the page as it comes, and at its end with all folds open."""
        page = self.browser.new_page(viewport=size, color_scheme=SCHEMES[0])
        responses = []
        page.on("response", lambda response: responses.append(response))
        watch(page, self.site)
        page.goto(f"{self.site}/{visit.name}.html", wait_until="load")
        page.add_script_tag(path=AXE)

        def run_axe(state: str, schemes: Iterable[str]) -> None:
            for scheme in schemes:
                page.emulate_media(color_scheme=scheme)
                page.wait_for_function(IN_SCHEME, arg=scheme)
                page.evaluate(FADED_IN)
                visit.violations[size["width"], scheme, state] = page.evaluate(RUN_AXE)

        run_axe("top", SCHEMES)
        assert page.evaluate(SCROLL), "the button back to the top isn't shown"
        page.evaluate(FOLDS_OPEN)
        page.wait_for_function(SETTLED, timeout=10_000)
        run_axe("end", reversed(SCHEMES))
        if size == DESKTOP:
            self._weigh(visit, responses)
            visit.desktop = page.evaluate(LOOK)
            page.set_viewport_size(PAPER)
            page.emulate_media(media="print")
            visit.cut_off = page.evaluate(CUT_OFF_ON_PAPER)
        else:
            visit.phone = page.evaluate(LOOK_ON_A_PHONE)
            page.set_viewport_size(NARROW)
            visit.narrow = page.evaluate(LOOK_ON_A_PHONE)
        visit.foreign += page.foreign
        visit.complaints += page.complaints
        page.close()

    def _weigh(self, visit: Visit, responses: list) -> None:
        """Add up what came over the line while the page was read to its end."""
        for response in responses:
            if response.url.startswith(self.site):
                body = response.body()
                visit.requests += 1
                visit.raw += len(body)
                visit.compressed += min(len(body), len(gzip.compress(body)))
