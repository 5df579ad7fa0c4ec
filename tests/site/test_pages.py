"""Every page of the built book, as a browser finds it."""

import re

import pytest
from sphinxcontrib.katex import katex_version

from chapter_files import toc_files

PAGES = [
    *(*toc_files(), "genindex", "search", "404"),
    "_modules/backprop_book/train_numpy",
]
# Compressed, of a page that is read to its end, figures and the explorer included.
KILOBYTES, REQUESTS = 250, 30


@pytest.mark.parametrize("name", PAGES)
def test_no_request_leaves_the_site(visits, name):
    assert not visits[name].foreign


@pytest.mark.parametrize("name", PAGES)
def test_the_console_is_clean(visits, name):
    assert not visits[name].complaints


@pytest.mark.parametrize("name", PAGES)
def test_axe_finds_nothing(visits, name):
    found = {mode: rules for mode, rules in visits[name].violations.items() if rules}
    assert not found
    assert len(visits[name].violations) == 8


@pytest.mark.parametrize("name", PAGES)
def test_the_page_is_light(visits, name):
    visit = visits[name]
    assert visit.compressed <= KILOBYTES * 1000
    assert visit.requests <= REQUESTS


@pytest.mark.parametrize("name", PAGES)
def test_one_heading_heads_the_page(visits, name):
    assert visits[name].desktop["headings"] == 1


@pytest.mark.parametrize("name", PAGES)
def test_images_are_there_with_their_alt_text(visits, name):
    assert not visits[name].desktop["broken"], "missing, or without alt text"


@pytest.mark.parametrize("name", PAGES)
def test_maths_is_shown_as_it_was_rendered(visits, name):
    page = visits[name].desktop
    for font in page["fonts"]:
        assert font.startswith("KaTeX_Main"), "maths without its style sheet"
        assert page["font_loaded"], "maths without its font"
        assert page["release"] == katex_version, "the style sheet of another KaTeX"


@pytest.mark.parametrize("name", PAGES)
def test_nothing_scrolls_sideways_on_a_phone_but_code_tables_and_formulas(visits, name):
    for screen, width in ((visits[name].phone, 390), (visits[name].narrow, 320)):
        assert screen["width"] <= width
        assert not screen["scrolling"]


@pytest.mark.parametrize("name", PAGES)
def test_no_code_output_or_table_scrolls_sideways_on_a_wide_screen(visits, name):
    assert not visits[name].desktop["wide"]


@pytest.mark.parametrize("name", PAGES)
def test_no_code_scrolls_sideways_on_a_phone(visits, name):
    assert not visits[name].phone["code"]


@pytest.mark.parametrize("name", PAGES)
def test_no_long_line_is_indented_otherwise_on_a_phone(visits, name):
    assert not visits[name].phone["shifted"]


@pytest.mark.parametrize("name", PAGES)
def test_nothing_is_cut_off_on_paper(visits, name):
    assert not visits[name].cut_off


@pytest.mark.parametrize("name", toc_files())
def test_figures_can_be_read_on_a_phone(visits, book, name):
    phone = visits[name].phone
    for figure in phone["figures"]:
        shape = figure["height"] / figure["width"]
        assert abs(shape * figure["full"] / figure["tall"] - 1) < 0.02, "a gap around"
        drawing = (book.html / "chapters" / figure["source"]).read_text("utf-8")
        # Matplotlib draws a letter as a shape in hundredths of the size, in points.
        scales = re.findall(r"scale\(([\d.]+) -[\d.]+\)", drawing)
        smallest = min(map(float, scales)) * 100 * 4 / 3
        fitted = smallest * figure["width"] / figure["full"]
        assert smallest >= phone["text"] - 0.1, f"{figure['source']}: at full size"
        assert fitted >= 8, f"{figure['source']}: {fitted:.1f} px"
