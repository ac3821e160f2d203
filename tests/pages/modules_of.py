"""Which modules a page needs, read from what they import."""

from __future__ import annotations

import re
import sys
from pathlib import Path

from tests.pages.files import PAGES

_IMPORT = re.compile(r'^(?:import|export)\s[^;"(]*?\bfrom "(\.[^"]+)"', re.M)
_SCRIPT = re.compile(r'<script type="module" src="([^"]+)"')
_PRELOAD = re.compile(r'<link rel="modulepreload" href="([^"]+)"')


def needed(html: Path) -> set[str]:
    """All modules that are loaded with a page, those that its HTML names itself left out."""
    waiting = _SCRIPT.findall(html.read_text())
    scripts = set(waiting)
    found: set[str] = set()
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        found.add(name)
        file = PAGES / name
        near = (file.parent / one for one in _IMPORT.findall(file.read_text()))
        waiting += [path.resolve().relative_to(PAGES).as_posix() for path in near]
    return found - scripts


def preloaded(html: Path) -> list[str]:
    """What the HTML asks for before it is imported, so that nothing is waited for twice."""
    return _PRELOAD.findall(html.read_text())


def main(folders: list[str]) -> None:
    """Write the list into the HTML of these pages."""
    for folder in folders:
        html = PAGES / folder / "index.html"
        text = re.sub(r'  <link rel="modulepreload"[^\n]*\n', "", html.read_text())
        head, end, rest = text.partition("</head>")
        lines = "".join(f'  <link rel="modulepreload" href="{name}">\n' for name in sorted(needed(html)))
        html.write_text(head + lines + end + rest)


if __name__ == "__main__":
    main(sys.argv[1:])
