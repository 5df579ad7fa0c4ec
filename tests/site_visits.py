"""Open a page of the built site once, in every mode, and note what tests ask for."""

import gzip
import json
from dataclasses import dataclass, field
from pathlib import Path

from chapter_files import ROOT

AXE = ROOT / "node_modules" / "axe-core" / "axe.min.js"
DESKTOP = {"width": 1280, "height": 900}
PHONE = {"width": 390, "height": 844}
# A4 less the margins of the style sheet, in the browser's pixels: 178 mm and 261 mm.
PAPER = {"width": 673, "height": 986}
SCREENS = {"desktop": DESKTOP, "phone": PHONE}
# The theme makes scrolling boxes reachable 300 ms after a change.
SETTLED = 400
HEADINGS = (
    f"{'page':32}{'outside':>8}{'console':>8}"
    f"{'axe':>6}{'dark':>6}{'phone':>7}{'both':>6}{'kB raw':>8}{'kB gz':>7}"
    f"{'requests':>9}"
)

SHOW_SOLUTIONS = """async (shown) => {
    for (const details of document.querySelectorAll("main details"))
        details.open = shown;
}"""
# What is far from the screen is laid out later; axe looks at all of it now. And half
# faded in, a text has half its contrast.
AT_ONCE = """
.bd-article * {content-visibility: visible !important}
*, ::before, ::after {transition: none !important; animation: none !important}
"""
# Which rules are asked for: those that see colours, all others, or both.
START_AXE = """([asked, closed]) => {
    const boxes = [...document.querySelectorAll("[data-closes]")];
    const context = closed ? {include: boxes.map((box) => [box])} : document;
    const colours = ["color-contrast", "link-in-text-block"];
    const others = colours.map((rule) => [rule, {enabled: false}]);
    const options = {
        both: {},
        colours: {runOnly: colours},
        others: {rules: Object.fromEntries(others)},
    }[asked];
    options.resultTypes = ["violations"];
    const nothing = Promise.resolve({violations: []});
    window.found = closed && !boxes.length ? nothing : axe.run(context, options);
}"""
FINISH_AXE = """() => window.found.then((result) => result.violations.map((violation) =>
    [violation.id, violation.nodes.map((node) => node.html.slice(0, 200))]))"""
# Axe spends most of its time on the colours of thousands of words in code and symbols
# in formulas, nearly all of which look like others before them. A box of code with no
# new look in either theme keeps its text without the colours; such a formula goes, and
# so does what is there of formulas for screen readers, which has no colours.
THIN = """() => {
    for (const spoken of document.querySelectorAll(".katex-mathml")) spoken.remove();
    const theme = document.documentElement.dataset;
    const parts = [...document.querySelectorAll("pre, .katex-html")];
    const around = (part) => {
        const layers = [];
        for (let box = part; box; box = box.parentElement) {
            const {backgroundColor, backgroundImage, opacity} = getComputedStyle(box);
            layers.push(backgroundColor, backgroundImage, opacity);
        }
        return layers.filter((layer, k) =>
            layer !== ["rgba(0, 0, 0, 0)", "none", "1"][k % 3]).join();
    };
    const looks = parts.map((part) =>
        [part, ...part.querySelectorAll("span")].map(() => ""));
    for (theme.theme of ["dark", "light"])
        parts.forEach((part, k) => {
            const under = around(part);
            [part, ...part.querySelectorAll("span")].forEach((word, n) => {
                const {color, backgroundColor, fontSize, fontWeight, opacity} =
                    getComputedStyle(word);
                looks[k][n] += [
                    under, color, backgroundColor, fontSize, fontWeight, opacity, ""
                ].join();
            });
        });
    const seen = new Set();
    parts.forEach((part, k) => {
        if (looks[k].some((look) => !seen.has(look)))
            for (const look of looks[k]) seen.add(look);
        else if (part.matches("pre")) part.textContent = part.innerText;
        else part.remove();
    });
}"""
# Closed, only the boxes that close are another page than before, with its one title.
LEAVE_BOXES = """() => {
    const boxes = document.querySelectorAll("main details");
    for (const box of boxes) box.dataset.closes = "";
    const kept = "[data-closes], h1";
    for (const other of document.querySelectorAll("article *"))
        if (!other.closest(kept) && !other.querySelector(kept)) other.remove();
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
        + ", .katex-html";
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
    violations: dict[tuple[str, str, str], list] = field(default_factory=dict)
    desktop: dict = field(default_factory=dict)
    phone: dict = field(default_factory=dict)
    cut_off: list[str] = field(default_factory=list)

    def row(self) -> str:
        """Return the page's line in the table."""
        modes = [(screen, theme) for screen in SCREENS for theme in ("light", "dark")]
        counts = [
            sum(len(found) for mode, found in self.violations.items() if mode[:2] == m)
            for m in modes
        ]
        return (
            f"{self.name:32}{len(self.foreign):8}{len(self.complaints):8}"
            f"{counts[0]:6}{counts[1]:6}{counts[2]:7}{counts[3]:6}"
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

    def __init__(self, browser, site: str, folder: Path):
        self.site, self.folder = site, folder
        self.contexts = {
            screen: browser.new_context(viewport=size)
            for screen, size in SCREENS.items()
        }
        for context in self.contexts.values():
            context.add_init_script("localStorage.mode = localStorage.theme = 'light'")
        self.done: dict[str, Visit] = {}

    def __getitem__(self, name: str) -> Visit:
        """Return what was found on a page, named without its ending."""
        if name not in self.done:
            self.done[name] = self._visit(name)
        return self.done[name]

    def _visit(self, name: str) -> Visit:
        pages = {screen: c.new_page() for screen, c in self.contexts.items()}
        visit = Visit(name, [], [])
        responses = []
        pages["desktop"].on("response", lambda response: responses.append(response))
        for page in pages.values():
            watch(page, self.site)
            page.goto(f"{self.site}/{name}.html", wait_until="load")
        pages["desktop"].wait_for_timeout(SETTLED)
        self._weigh(visit, responses)
        visit.phone = pages["phone"].evaluate(LOOK_ON_A_PHONE)
        visit.desktop = pages["desktop"].evaluate(LOOK)
        visit.cut_off = self._look_on_paper(pages["desktop"])
        self._run_axe(visit, pages)
        for page in pages.values():
            visit.foreign += page.foreign
            visit.complaints += page.complaints
            page.close()
        return visit

    @staticmethod
    def _look_on_paper(page) -> list[str]:
        """Return what the printed page would cut off."""
        page.set_viewport_size(PAPER)
        page.emulate_media(media="print")
        cut_off = page.evaluate(CUT_OFF_ON_PAPER)
        page.emulate_media(media="null")
        page.set_viewport_size(DESKTOP)
        return cut_off

    def _weigh(self, visit: Visit, responses: list) -> None:
        """Add up what came over the line, figures apart."""
        for response in responses:
            if "/_images/" in response.url or not response.url.startswith(self.site):
                continue
            body = response.body()
            visit.requests += 1
            visit.raw += len(body)
            visit.compressed += min(len(body), len(gzip.compress(body)))

    def _run_axe(self, visit: Visit, pages: dict) -> None:
        """Look for violations, on both screens at once: two processes, two cores."""
        for page in pages.values():
            page.add_script_tag(path=AXE)
            page.add_style_tag(content=AT_ONCE)
            page.evaluate("window.dispatchEvent(new Event('resize'))")
            page.evaluate(SHOW_SOLUTIONS, True)
        pages["desktop"].wait_for_timeout(SETTLED)
        self._ask_axe(visit, pages, "light", "others")
        for page in pages.values():
            page.evaluate(THIN)
        self._ask_axe(visit, pages, "light", "colours")
        self._ask_axe(visit, pages, "dark", "both")
        for page in pages.values():
            page.evaluate(SHOW_SOLUTIONS, False)
            page.evaluate(LEAVE_BOXES)
        pages["desktop"].wait_for_timeout(SETTLED)
        self._ask_axe(visit, pages, "dark", "both", closed=True)
        self._ask_axe(visit, pages, "light", "both", closed=True)

    def _ask_axe(
        self, visit: Visit, pages: dict, theme: str, rules: str, *, closed: bool = False
    ) -> None:
        """Note what axe says of both screens."""
        for page in pages.values():
            page.evaluate(f"document.documentElement.dataset.theme = '{theme}'")
            page.evaluate(START_AXE, [rules, closed])
        for screen, page in pages.items():
            found = page.evaluate(FINISH_AXE)
            visit.violations[screen, theme, f"{rules}, closed: {closed}"] = found


def light_record(folder: Path) -> dict:
    """Return what the build noted of the style sheets that the pages named before."""
    record = folder / "_static" / "light" / "record.json"
    return json.loads(record.read_text(encoding="utf-8"))
