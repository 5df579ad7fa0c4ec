"""Readers look for a number, a letter, a name, another book's word, a misspelt one."""

import pytest

# What is looked for, and the address that one of the first three results leads to.
SEARCHES = {
    "Exercise 7.1": "lab_numpy.html#ex-numpy-mean",
    "equation 7.1": "lab_numpy.html#equation-eq-numpy-forward",
    "(4.2)": "backpropagation.html#equation-d-bp-vjp",
    "chapter 12": "lab_optim.html",
    "λ": "notation.html#letters-of-single-chapters",
    "lambda": "notation.html#letters-of-single-chapters",
    "load_iris_regression": "api.html#backprop_book.data.load_iris_regression",
    "zero_grad": "lab_optim.html#an-optimiser-is-a-list-of-parameters-and-a-rule",
    "cotangent": "glossary.html#term-gradient",
    "tape": "glossary.html#term-computational-graph",
    "epsilon": "lab_optim.html#how-far-one-step-goes",
    "cost function": "lab_numpy.html#the-loss-is-one-number",
    "minibatch": "glossary.html#term-mini-batch",
    "broadcastng": "glossary.html#term-broadcasting",
    "Kaiming": "glossary.html#term-vanishing-and-exploding-gradients",
}
# What names one place has that place first.
NAMES = {
    "lab_numpy": "lab_numpy.html",
    "stability": "stability.html",
    "how does autograd work": "lab_autograd.html",
    "DivergenceError": "api.html#backprop_book.training_log.DivergenceError",
    "all-reduce": "scale.html#a-ring-of-messages",
    "back propagation": "backpropagation.html",
    "check pointing": "cost_and_modes.html#memory-and-checkpointing",
    "step size": "chain_rule.html#a-step-against-the-gradient-lowers-the-loss",
    "jacobain": "vector_derivatives.html#vector-to-vector-the-jacobian",
    "why is H1 transposed": "matrix_derivatives.html#where-the-transposes-come-from",
    # Another book's word, which the glossary knows; a label, a letter, its chapter.
    "residual connection": "backpropagation.html#a-skip-connection",
    "(eq-scale-time)": "scale.html#equation-eq-scale-time",
    "d-mat-backward": "matrix_derivatives.html#equation-d-mat-backward",
    "β": "notation.html#letters-of-single-chapters",
    "exercise 3 lab numpy": "lab_numpy.html#ex-numpy-dead",
    # What a reader sees, in the reader's words: the tables say where it comes from.
    "why does my loss increase": "stability.html#learning-rate-and-curvature",
    "loss is nan": "stability.html#finding-the-source-of-a-nan",
    "loss stays constant": "stability.html#dead-units",
    "modified by an inplace operation": "pitfalls.html#pitfall-in-place",
    "normalise the data": "lab_data.html#standardise-with-the-training-rows-only",
    "overfitting": "compare.html#over-fitting-and-early-stopping",
    "how do I install": "index.html#how-to-run-it-and-change-it",
}


def look_for(page, site, words):
    page.goto(f"{site}/chapters/chain_rule.html")
    page.keyboard.press("Control+k")
    page.keyboard.type(words)
    page.keyboard.press("Enter")
    page.wait_for_url("**/search.html?q=*")
    return page.locator("#search-results li")


@pytest.mark.parametrize("words", SEARCHES)
def test_the_first_results_lead_to_the_place(page, site, words):
    links = look_for(page, site, words).locator("a")
    first = links.evaluate_all("links => links.slice(0, 3).map((link) => link.href)")
    assert f"{site}/chapters/{SEARCHES[words]}" in first
    assert not page.complaints


@pytest.mark.parametrize("words", NAMES)
def test_what_names_a_place_leads_to_it_first(page, site, words):
    first = look_for(page, site, words).locator("a").first
    assert first.evaluate("link => link.href") == f"{site}/chapters/{NAMES[words]}"


@pytest.mark.parametrize("words", ["reinforcement learning", "Exercise 7.99"])
def test_what_is_near_is_not_said_to_be_found(page, site, words):
    look_for(page, site, words).first.wait_for()
    status = page.locator("#search-status").inner_text()
    assert status.startswith(f"“{words}” is not in this book. Near to it: ")


def test_a_result_shows_its_text_with_the_words_marked(page, site):
    result = look_for(page, site, "minimise the mean").first
    assert result.locator("a").inner_text() == "Exercise 7.1 (A mean instead of a sum)"
    assert "in 7. NumPy: every gradient by hand" in result.inner_text()
    assert "Many libraries minimise the mean" in result.locator("p").inner_text()
    assert result.locator("mark").all_inner_texts()[:2] == ["minimise", "mean"]
    result.locator("a").click()
    page.wait_for_url("**/chapters/lab_numpy.html#ex-numpy-mean")


def test_a_solution_is_found_by_its_number_and_not_shown(page, site):
    result = look_for(page, site, "solution 7.1").first
    assert result.locator("a").inner_text().startswith("Solution to Exercise 7.1")
    assert not result.locator("p").inner_text()


def test_the_search_runs_from_disk(browser, book):
    page = browser.new_page()
    page.goto((book.html / "search.html").as_uri() + "?q=Jacobian")
    assert page.locator("#search-results li").count() > 3
    page.close()


def test_what_is_not_there_is_not_found(page, site):
    assert not look_for(page, site, "zzzzzz").count()
    status = page.locator("#search-status").inner_text()
    assert status == "Nothing in this book is like “zzzzzz”."


def test_what_is_looked_for_is_text_and_no_markup(page, site):
    look_for(page, site, "<img src=x onerror=alert(1)> gradient").first.wait_for()
    assert not page.locator("#search-results img, #search-status img").count()


def test_every_result_leads_to_a_place_that_exists(page, site, book):
    page.goto(f"{site}/search.html")
    addresses = page.evaluate("PLACES.map(([address]) => address)")
    assert len(addresses) > 400
    pages, lost = {}, []
    for address in addresses:
        name, _, anchor = address.partition("#")
        if name not in pages:
            tags = book.page(name[9:-5]).find_all(id=True)
            pages[name] = {tag["id"] for tag in tags}
        if anchor and anchor not in pages[name]:
            lost.append(address)
    assert not lost
