"""What an edge puts into the HTML of pages: the parts they share, and which modules each needs. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from posixpath import dirname, join, normpath
from typing import Final

_PART: Final = re.compile(rb"<!-- ([\w/-]+\.part) -->")
_SCRIPT: Final = re.compile(r'<script type="module" src="([^"]+)"')
_IMPORT: Final = re.compile(r'^(?:import|export)\s[^;"(]*?\bfrom "(\.[^"]+)"', re.M)
_END: Final = b"</head>"


def complete(html: bytes, files: Mapping[str, bytes]) -> bytes:
    """The page with the parts that it names in their places, and its modules named at the end of its head.

    `files`: all that pages are made of, by their paths. Raises KeyError where a part is not there.
    """
    html = _PART.sub(lambda named: files[named[1].decode()].strip(), html)
    head, end, rest = html.partition(_END)
    links = [f'  <link rel="modulepreload" href="{name}">\n'.encode() for name in sorted(needed(html, files))]
    return head + b"".join(links) + end + rest


def needed(html: bytes, files: Mapping[str, bytes]) -> set[str]:
    """The modules that are loaded with a page, those that it names itself left out."""
    scripts = set(_SCRIPT.findall(html.decode()))
    found: set[str] = set()
    waiting = list(scripts)
    while waiting:
        name = waiting.pop()
        if name not in found and name in files:
            found.add(name)
            imported = _IMPORT.findall(files[name].decode())
            waiting += [normpath(join(dirname(name), one)) for one in imported]
    return found - scripts
