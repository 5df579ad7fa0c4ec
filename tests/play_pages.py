"""How a test finds its way about an explorer on a page."""


class Explorer:
    """An explorer on a page, as a reader uses it."""

    def __init__(self, page):
        self.page, self.root = page, page.locator("section.play").first

    def button(self, name):
        return self.root.get_by_role("button", name=name, exact=True)

    def spot(self, start):
        """Return the button whose name starts so."""
        return self.root.locator(f'.spot[aria-label^="{start}"]')

    def text(self, part):
        return " ".join(self.root.locator(part).inner_text().split())

    def click_to(self, step):
        for _ in range(step):
            self.button("Step").click()

    def said(self):
        return self.text(".live")
