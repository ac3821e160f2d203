"""The page's files, the modules that test it and the golden frames, as the service would give them."""

from __future__ import annotations

import json
from http import HTTPStatus
from pathlib import Path
from urllib.parse import urlsplit

from websockets.asyncio.server import ServerConnection
from websockets.datastructures import Headers
from websockets.http11 import Request, Response

from danmaku.errors import NO_SUCH_ROUTE
from edge.api.pages import Pages

HERE = Path(__file__).parent
PAGES = Pages()
FOLDERS = {"modules": HERE / "modules", "bench": HERE / "bench", "golden": HERE.parent / "golden"}
MEDIA = {".html": "text/html", ".js": "text/javascript", ".css": "text/css"}
POLICY = "default-src 'self'; connect-src 'self' ws: wss:; img-src 'self' data: blob:"
ROOMS = [{"room": "quiet"}, {"room": "demo", "title": "<b>Demo</b>", "viewers": 12}]
_ERROR = {"code": NO_SUCH_ROUTE.code, "error": NO_SUCH_ROUTE.name, "message": NO_SUCH_ROUTE.text}
NOTHING = json.dumps({"error": _ERROR}).encode()


def respond(_connection: ServerConnection, request: Request) -> Response | None:
    """Everything but the WebSocket."""
    path = urlsplit(request.path).path
    if path == "/v1/ws":
        return None
    found = find(path)
    media, body = found or ("application/json", NOTHING)  # as the service says it: an answer, and no doubt
    status = HTTPStatus.NOT_FOUND if found is None else HTTPStatus.OK
    headers = Headers(
        {"Content-Type": media, "Content-Length": str(len(body)), "Content-Security-Policy": POLICY}
    )
    return Response(status.value, status.phrase, headers, body)


def find(path: str) -> tuple[str, bytes] | None:
    """Media type and content of what is at `path`."""
    if path == "/v1/rooms":
        return "application/json", json.dumps({"rooms": ROOMS}).encode()
    page = PAGES.find(path)
    if page is not None:
        return page.media, page.body
    _, first, *rest = path.split("/")
    if first not in FOLDERS or len(rest) != 1:
        return None
    file = FOLDERS[first] / rest[0]
    return (MEDIA.get(file.suffix, "application/json"), file.read_bytes()) if file.is_file() else None
