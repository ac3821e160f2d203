"""Static pages, read once at the start: no request ever becomes a file name."""

from __future__ import annotations

import gzip
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Final

from edge.api.html import complete
from edge.uws import Request, Response

FOLDER: Final = Path(__file__).parent.parent / "pages"

_TYPES: Final = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".json": "application/json",
    ".webmanifest": "application/manifest+json",
}
_NAMES: Final = {
    "/": "/viewer/index.html",
    "/chat": "/chat/index.html",
    "/console": "/console/index.html",
    "/docs": "/docs/index.html",
    "/overlay": "/obs/index.html",
    "/studio": "/studio/index.html",
    "/favicon.ico": "/shared/favicon.svg",
}
_LOST: Final = "/lost/index.html"
# What a browser may open by itself; a policy means nothing for the rest.
_DOCUMENTS: Final = {".html", ".svg"}
_SAID_OF_PACKED: Final = len(b"Content-Encoding: gzip\r\n")
# Whole lines of them, which modules are full of; the lines stay, for whoever reads where an error was.
_COMMENT: Final = {
    ".js": re.compile(rb"^[ \t]*/\*\*(?:(?!\*/).)*\*/[ \t]*$", re.M | re.S),
    ".css": re.compile(rb"^[ \t]*/\*(?:(?!\*/).)*\*/[ \t]*$", re.M | re.S),
}
# With neither quotes nor `/` before it on its line it is a comment; with `*/` it might end a longer one.
_REMARK: Final = re.compile(rb"^([^'\"`/\n]*)//(?!.*\*/).*$", re.M)
_INDENT: Final = re.compile(rb"^[ \t]+", re.M)  # no text of ours goes over several lines

_NO_SNIFF: Final = ("X-Content-Type-Options", "nosniff")
_REFERRER: Final = ("Referrer-Policy", "same-origin")
SECURITY: Final = (_NO_SNIFF, _REFERRER)
_POLICY: Final = (
    "default-src 'self'; connect-src 'self' ws: wss:; img-src 'self' data: blob:{images}; "
    "media-src 'self' blob:; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors {frames}"
)
_IMAGES: Final = {"chat/index.html": " http: https:"}  # images travel by URL, and come from anywhere


@dataclass(frozen=True, slots=True)
class Page:
    """One file, ready to be sent."""

    media: str
    policy: str  # of a document; empty for anything else
    tag: str  # weak: the same for the file as it is and packed; another one where the policy is another
    body: bytes
    packed: bytes | None

    def answer(self, request: Request) -> Response:
        headers = [("Cache-Control", "no-cache"), ("ETag", self.tag), ("Vary", "Accept-Encoding"), _NO_SNIFF]
        if self._is_known(request.headers.get("if-none-match", "")):
            return Response(304, b"", tuple(headers))
        headers.append(("Content-Type", self.media))
        if self.policy:
            headers += (_REFERRER, ("Content-Security-Policy", self.policy))
        if self.packed is not None and takes(request.headers.get("accept-encoding", ""), "gzip"):
            return Response(200, self.packed, (*headers, ("Content-Encoding", "gzip")))
        return Response(200, self.body, tuple(headers))

    def _is_known(self, tags: str) -> bool:
        plain = self.tag.removeprefix("W/")
        return any(tag.strip().removeprefix("W/") in {plain, "*"} for tag in tags.split(","))


class Pages:
    """The pages below `folder`, by path. Only files with a known ending are served.

    `frames` are the sites that may show them in a frame, as in the settings.
    """

    def __init__(self, folder: Path = FOLDER, frames: Sequence[str] = ("self",)) -> None:
        ancestors = " ".join("'self'" if one == "self" else one for one in frames) or "'none'"
        paths = (path for path in sorted(folder.rglob("*")) if path.is_file())
        files = {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}
        self._pages = {
            f"/{name}": _page(ending, _policy(name, ending, ancestors), _body(name, ending, files))
            for name in files
            for ending in [Path(name).suffix]
            if ending in _TYPES
        }
        self.lost = self._pages.pop(_LOST, None)  # shown where nothing is, and nowhere else

    def find(self, path: str) -> Page | None:
        return self._pages.get(_NAMES.get(path, path))

    def moved(self, path: str) -> str | None:
        """The way to a page whose name was followed by a slash; from there, for what a proxy serves may be
        below a path of its own."""
        name = path.removesuffix("/")
        return f"..{name}" if name != path and name in _NAMES else None


def takes(accepted: str, name: str) -> bool:
    """Whether a list of what is accepted names this, and with a weight that is not zero."""
    listed = (one.partition(";q=") for one in accepted.lower().replace(" ", "").split(","))
    return any(one == name and (not mark or weight.strip("0.")) for one, mark, weight in listed)


def _policy(name: str, ending: str, frames: str) -> str:
    if ending not in _DOCUMENTS:
        return ""
    return _POLICY.format(images=_IMAGES.get(name, ""), frames=frames)


def _body(name: str, ending: str, files: Mapping[str, bytes]) -> bytes:
    """What is sent of a file."""
    if ending == ".html":
        return complete(files[name], files)
    if ending in _COMMENT:
        bare = _COMMENT[ending].sub(lambda found: b"\n" * found[0].count(b"\n"), files[name])
        if ending == ".js":
            bare = _REMARK.sub(lambda found: found[1].rstrip(), bare)
        return _INDENT.sub(b"", bare)
    return files[name]


def _page(ending: str, policy: str, body: bytes) -> Page:
    packed = gzip.compress(body, mtime=0)
    is_smaller = len(packed) + _SAID_OF_PACKED < len(body)
    tag = blake2b(policy.encode() + body, digest_size=8).hexdigest()
    return Page(_TYPES[ending], policy, f'W/"{tag}"', body, packed if is_smaller else None)
