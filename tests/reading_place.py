"""Measure whether a page keeps its reader's place; the tests take a sample of it.

``python tests/reading_place.py`` tries every page of the built book from a server and
from disk, on a wide screen and on a phone, and prints what each step moved.
"""

import sys
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from browsers import QUIET, chromium
from chapter_files import ROOT, toc_files
from site_server import serve
from site_visits import DESKTOP, PHONE

# A third of a line.
ALLOWED = 8
# Scroll to the paragraph in the middle of the page; remember it by its number.
GO = """() => {
    const all = [...document.querySelectorAll("article p")]
        .filter((paragraph) => paragraph.checkVisibility());
    const middle = all[Math.floor(all.length * 0.6)];
    middle.scrollIntoView({block: "start", behavior: "instant"});
    window.scrollBy({top: -150, behavior: "instant"});
    return [...document.querySelectorAll("article p")].indexOf(middle);
}"""
WHERE = """(number) =>
    document.querySelectorAll("article p")[number].getBoundingClientRect().top"""
ENOUGH = 400


def moved(page: Page, address: str, other: str) -> dict[str, float]:
    """Return how many pixels the place moves on reload, on back and on forward."""
    found = {}

    def settle() -> None:
        page.evaluate("document.fonts.ready.then(() => null)")
        page.wait_for_timeout(ENOUGH)

    page.goto(address)
    settle()
    number = page.evaluate(GO)
    page.wait_for_timeout(ENOUGH)
    before = page.evaluate(WHERE, number)
    page.reload()
    settle()
    found["reload"] = page.evaluate(WHERE, number) - before
    page.evaluate(GO)
    page.wait_for_timeout(ENOUGH)
    page.goto(other)
    page.go_back()
    settle()
    found["back"] = page.evaluate(WHERE, number) - before
    page.evaluate(GO)
    page.wait_for_timeout(ENOUGH)
    page.go_back()
    page.go_forward()
    settle()
    found["forward"] = page.evaluate(WHERE, number) - before
    return {step: round(pixels, 1) for step, pixels in found.items()}


def main(html: Path) -> int:
    """Try every page; return how many steps lost the place."""
    steps, lost = 0, 0
    with serve(html) as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(args=QUIET, **chromium())
        for root in (address, html.as_uri()):
            for size in (DESKTOP, PHONE):
                for name in toc_files():
                    page = browser.new_page(viewport=size)
                    page.set_default_timeout(180_000)
                    found = moved(page, f"{root}/{name}.html", f"{root}/search.html")
                    page.close()
                    steps += len(found)
                    wrong = [s for s, pixels in found.items() if abs(pixels) > ALLOWED]
                    lost += len(wrong)
                    width, kind = size["width"], root.partition(":")[0]
                    print(f"{kind:5}{width:6}  {name:32} {found}", flush=True)
        browser.close()
    print(f"the place was kept in {steps - lost} of {steps} steps")
    return lost


if __name__ == "__main__":
    folder = sys.argv[1] if len(sys.argv) > 1 else ROOT / "_build" / "html"
    sys.exit(bool(main(Path(folder).resolve())))
