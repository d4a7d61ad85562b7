"""Links that open the notebooks in Binder and Colab, made from one setting.

They appear in the book, on the page of each notebook, once pyproject.toml says where the repository
is on GitHub:

    [project.urls]
    Repository = "https://github.com/OWNER/NAME"

Then ``python docs/launch.py`` puts the badges into README.md, or brings them up to date.
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]
BRANCH = "main"
BADGES = {
    "Binder": "https://mybinder.org/badge_logo.svg",
    "Colab": "https://colab.research.google.com/assets/colab-badge.svg",
}


def repository() -> str:
    """Return the address in pyproject.toml, or "" while it has none."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    return project.get("urls", {}).get("Repository", "")


def links(notebook: str, address: str) -> dict[str, str]:
    """Return the addresses that open a notebook, by service.

    Parameters
    ----------
    notebook : str
        Its path in the repository.
    address : str
        Of the repository; there are no links unless it is on GitHub, from where both services read.
    """
    found = re.fullmatch(r"https://github\.com/([\w.-]+/[\w.-]+?)(?:\.git)?/?", address)
    if not found:
        return {}
    place = found[1]
    return {
        "Binder": f"https://mybinder.org/v2/gh/{place}/{BRANCH}?urlpath=lab/tree/{notebook}",
        "Colab": f"https://colab.research.google.com/github/{place}/blob/{BRANCH}/{notebook}",
    }


def with_links(text: str, notebook: str, address: str) -> str:
    """Return the first text of a notebook with the links under its title; they fetch nothing."""
    there = links(notebook, address)
    if not there:
        return text
    first = f"`%pip install 'fer_nb[train] @ git+{address}'`"
    line = (
        f"*Run it without installing anything: [Binder]({there['Binder']}), or "
        f"[Colab]({there['Colab']}), where {first} comes first.*"
    )
    title, rest = text.split("\n", 1)
    return f"{title}\n\n{line}\n{rest}"


def with_badges(readme: str, address: str) -> str:
    """Return README with one line of badges under its title, in place of an earlier one."""
    readme = re.sub(r"^\[!\[(?:Binder|Colab)\].*\n\n", "", readme, flags=re.MULTILINE)
    there = links("notebooks/00_quickstart.ipynb", address)
    if not there:
        return readme
    line = " ".join(f"[![{name}]({BADGES[name]})]({there[name]})" for name in BADGES)
    title, rest = readme.split("\n\n", 1)
    return f"{title}\n\n{line}\n\n{rest}"


if __name__ == "__main__":
    page, address = ROOT / "README.md", repository()
    page.write_text(with_badges(page.read_text("utf-8"), address), "utf-8")
    print(
        f"README.md: {', '.join(links('', address)) or 'no badges; no Repository on GitHub is set'}"
    )
