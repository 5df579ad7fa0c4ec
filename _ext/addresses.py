"""The book's addresses on the web, all from one setting, and none where it is empty.

``repository_url`` in ``_config.yml`` is that setting. The site is where GitHub Pages
puts it unless ``site_url`` names another place. Notebooks opened on other machines come
from a branch of their own, which holds them as ``.ipynb``: Colab opens no other file.
"""

import re
from dataclasses import dataclass
from urllib.parse import quote

NOTEBOOKS_BRANCH = "notebooks"


@dataclass(frozen=True)
class Addresses:
    """Where the book lives; every method returns "" where that isn't known."""

    repository: str = ""
    site: str = ""

    @classmethod
    def of(cls, repository_url: str, site_url: str = "") -> "Addresses":
        """Check the settings, and find the site from the repository.

        Raises
        ------
        ValueError
            If an address has another form than the book can build on.
        """
        repository = (repository_url or "").strip().rstrip("/").removesuffix(".git")
        site = (site_url or "").strip().rstrip("/")
        parts = re.fullmatch(r"https://github\.com/([\w.-]+)/([\w.-]+)", repository)
        if repository and not parts:
            form = "expected https://github.com/OWNER/NAME"
            raise ValueError(f"repository_url: {form}, got {repository_url!r}")
        if site and not re.fullmatch(r"https?://[^\s/?#]+(/[^\s?#]*)?", site):
            raise ValueError(f"site_url: expected https://…, got {site_url!r}")
        if parts and not site:
            host = f"{parts[1]}.github.io".lower()
            path = "" if parts[2].lower() == host else f"/{parts[2]}"
            site = f"https://{host}{path}"
        return cls(repository, site)

    def page(self, name: str, anchor: str = "") -> str:
        """Return the address of a page such as ``chapters/lab_numpy``."""
        address = f"{self.site}/{name}.html" + (f"#{anchor}" if anchor else "")
        return address if self.site else ""

    def colab(self, notebook: str) -> str:
        """Return the address that opens a notebook such as ``lab_numpy`` in Colab."""
        colab = "//colab.research.google.com/github/"
        place = self.repository.replace("//github.com/", colab, 1)
        file = f"blob/{NOTEBOOKS_BRANCH}/{quote(notebook)}.ipynb"
        return f"{place}/{file}" if place else ""

    def binder(self, notebook: str) -> str:
        """Return the address that opens a notebook on Binder, in JupyterLab."""
        place = self.repository.replace("//github.com/", "//mybinder.org/v2/gh/", 1)
        file = quote(f"lab/tree/{notebook}.ipynb", safe="")
        return f"{place}/{NOTEBOOKS_BRANCH}?urlpath={file}" if place else ""

    def beside_notebooks(self, file: str) -> str:
        """Return the address of a file in the folder of the notebooks."""
        if self.repository:
            return f"{self.repository}/raw/{NOTEBOOKS_BRANCH}/{quote(file)}"
        return f"{self.site}/notebooks/{quote(file)}" if self.site else ""
