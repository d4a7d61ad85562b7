"""List the addresses that the book's pages name, and what became of asking them.

`make docs-links` lets Sphinx ask each of them, and hands this script what it noted:
``python docs/check_links.py build/links/output.json``. Without a network nothing was asked; that is
said, and is no fault.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from pathlib import Path

# What the libraries below say where no connection could be made at all.
OFFLINE = ("NameResolutionError", "NewConnectionError", "ProxyError", "Failed to resolve")


def judged(lines: Iterable[str]) -> tuple[list[str], bool]:
    """Return a line for each address, and whether all is well, from Sphinx's ``output.json``."""
    noted = [json.loads(line) for line in lines if line.strip()]
    outside = {link["uri"]: link for link in noted if link["uri"].startswith("http")}
    broken = [link for link in outside.values() if link["status"] in ("broken", "timeout")]
    offline = [link for link in broken if any(word in link["info"] for word in OFFLINE)]
    if outside and len(offline) == len(outside):
        listed = [f"not asked: {uri}" for uri in sorted(outside)]
        return [*listed, f"No network: {len(listed)} addresses are listed, none was asked."], True
    listed = [f"{outside[uri]['status']}: {uri}" for uri in sorted(outside)]
    return [*listed, f"{len(broken)} of {len(outside)} addresses do not answer."], not broken


def main() -> None:
    """Print them; the exit status is 1 if one does not answer while others do."""
    lines, well = judged(Path(sys.argv[1]).read_text("utf-8").splitlines())
    print("\n".join(lines))
    sys.exit(not well)


if __name__ == "__main__":
    main()
