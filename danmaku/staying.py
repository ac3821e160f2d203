"""HTTP that stays with the service that one named: a token must not follow where somebody else sends it."""

from __future__ import annotations

import urllib.request
from http.client import HTTPMessage
from typing import IO


def opener() -> urllib.request.OpenerDirector:
    """What answers with a redirect has answered no: HTTPError."""
    return urllib.request.build_opener(_Stay())


class _Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: HTTPMessage,
        newurl: str,
    ) -> None:
        return None
