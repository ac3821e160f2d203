"""What a browser is shown where nothing is: a page with ways to what there is. Pure."""

from __future__ import annotations

import re
from typing import Final

from edge.api.pages import Page, takes
from edge.uws import Request, Response

_LINK: Final = re.compile(rb'(\b(?:href|src)=")')
_DEEPEST: Final = 32


class Lost:
    """`page` names all by addresses from the first page on; they are changed for wherever it is shown."""

    def __init__(self, page: Page) -> None:
        self._pieces = _LINK.sub(rb"\1\0", page.body).split(b"\0")
        self._headers = ("Content-Type", page.media), ("Content-Security-Policy", page.policy)

    def answer(self, request: Request) -> Response | None:
        """None for who did not ask for a page, as programs do not."""
        accepted = request.headers.get("accept", "")
        if request.method not in {"GET", "HEAD"} or not takes(accepted, "text/html"):
            return None
        if takes(accepted, "application/json"):
            return None
        return Response(404, _way_back(request.path).join(self._pieces), self._headers)


def _way_back(path: str) -> bytes:
    """To the first page, also where a proxy serves it below a path of its own, which nobody here knows."""
    depth = path.count("/") - 1
    return b"../" * depth if depth <= _DEEPEST else b"/"
