"""Check the built book: every link inside leads somewhere, and no page asks another computer.

`make docs` runs it; ``python docs/check_site.py build/book`` does so by hand.
"""

from __future__ import annotations

import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

# What a browser fetches by itself, as against what a reader may click.
FETCHED = {
    ("script", "src"),
    ("img", "src"),
    ("link", "href"),
    ("iframe", "src"),
    ("source", "src"),
}


class Page(HTMLParser):
    """The links, the fetched files and the anchors of a page."""

    def __init__(self, path: Path):
        super().__init__()
        self.links: list[str] = []
        self.fetched: list[str] = []
        self.anchors: set[str] = set()
        self.pictures_without_alt = 0
        self.feed(path.read_text("utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note one element."""
        given = dict(attrs)
        self.anchors |= {value for name, value in attrs if name in ("id", "name") and value}
        for name in ("src", "href"):
            if given.get(name):
                fetched = (tag, name) in FETCHED and given.get("rel") != "canonical"
                (self.fetched if fetched else self.links).append(given[name])
        # Where nobody describes a picture, Sphinx puts its path there.
        named = given.get("alt") == given.get("src")
        self.pictures_without_alt += tag == "img" and ("alt" not in given or named)


def faults(site: Path) -> list[str]:
    """Return what is wrong with a built site, one line each."""
    pages = {path.resolve(): Page(path) for path in site.rglob("*.html")}
    found = []
    for path, page in pages.items():
        name = path.relative_to(site.resolve())
        outside = [url for url in page.fetched if urlsplit(url).scheme in ("http", "https")]
        outside += [url for url in page.fetched if url.startswith("//")]
        found += [f"{name}: fetches {url}" for url in outside]
        if page.pictures_without_alt:
            found.append(f"{name}: {page.pictures_without_alt} pictures without alt text")
        for url in {*page.links, *page.fetched}:
            parts = urlsplit(url)
            if parts.scheme or url.startswith("//"):
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            if not target.exists():
                found.append(f"{name}: {url} leads nowhere")
            elif target in pages and unquote(parts.fragment) not in {"", *pages[target].anchors}:
                found.append(f"{name}: {url} has no such place")
    return sorted(found)


def main() -> None:
    """Print the faults; the exit status is 1 if there are any."""
    site = Path(sys.argv[1])
    found = faults(site)
    print(
        "\n".join(found) or f"{site}: all links inside lead somewhere, nothing comes from outside"
    )
    sys.exit(bool(found) or not site.is_dir())


if __name__ == "__main__":
    main()
