"""The command line's HTTP against a real server that answers whatever it is told to."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from danmaku.caller import Caller, CallFailed
from tests.ports import free_port


class _Server(ThreadingHTTPServer):
    status = 200
    answer: bytes = b"{}"
    hold: threading.Event | None = None
    raw: bytes | None = None
    location: str | None = None

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.requests: list[tuple[str, str, str | None, bytes]] = []


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def _any(self) -> None:
        with suppress(ConnectionError):  # who asked may have given up
            self._answer()

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.server.requests.append((self.command, self.path, self.headers.get("Authorization"), body))
        if self.server.hold is not None:
            self.server.hold.wait(20)
        if self.server.raw is not None:
            self.wfile.write(self.server.raw)
            return
        self.send_response(self.server.status)
        if self.server.location is not None:
            self.send_header("Location", self.server.location)
        self.send_header("Content-Length", str(len(self.server.answer)))
        self.end_headers()
        self.wfile.write(self.server.answer)

    do_GET = do_POST = _any  # noqa: N815  names that http.server looks for

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def server() -> Iterator[_Server]:
    with _Server() as one:
        serving = threading.Thread(target=one.serve_forever, args=(0.01,))
        serving.start()
        yield one
        one.shutdown()
        serving.join()


def _url(server: _Server) -> str:
    return f"http://127.0.0.1:{server.server_port}"


def test_it_asks_and_reads_json(server: _Server) -> None:
    server.answer = b'{"rooms": []}'
    assert Caller(_url(server) + "/").get("/v1/rooms") == {"rooms": []}
    assert server.requests == [("GET", "/v1/rooms", None, b"")]
    Caller(_url(server), "t0k").post("/v1/x", {"a": "弹"})
    method, path, authorization, body = server.requests[-1]
    assert (method, path, authorization) == ("POST", "/v1/x", "Bearer t0k")
    assert json.loads(body) == {"a": "弹"}
    server.answer = b""
    assert Caller(_url(server)).get("/") is None


def test_a_refusal_is_told_in_its_own_words(server: _Server) -> None:
    server.status = 429
    server.answer = b'{"error": {"code": 4290, "error": "slow_mode", "message": "slowly", "retry_ms": 1500}}'
    with pytest.raises(CallFailed, match=r"^slow_mode: slowly \(try again in 1\.5 s\)$"):
        Caller(_url(server)).get("/")
    server.answer = b'{"error": {"code": 4031, "error": "muted", "message": "quiet"}}'
    with pytest.raises(CallFailed, match=r"^muted: quiet$"):
        Caller(_url(server)).get("/")
    server.answer = b'{"error": {"code": 4000, "error": "bad_frame", "message": "seconds is missing"}}'
    with pytest.raises(CallFailed, match=r"^seconds is missing$"):
        Caller(_url(server)).get("/")


@pytest.mark.parametrize("answer", [b"<html>", b"{}", b"[]", b'{"error": "x"}', b'{"error": {"error": 1}}'])
def test_an_error_of_somebody_else(server: _Server, answer: bytes) -> None:
    server.status, server.answer = 502, answer
    with pytest.raises(CallFailed, match=r"^the service answered with status 502$"):
        Caller(_url(server)).get("/")


def test_something_else_answers(server: _Server) -> None:
    server.answer = b"<html>hello</html>"
    with pytest.raises(CallFailed, match="is not danmaku"):
        Caller(_url(server)).get("/")


def test_no_answer_in_time(server: _Server) -> None:
    server.hold = threading.Event()
    try:
        with pytest.raises(CallFailed, match=r"within 0\.1 s"):
            Caller(_url(server), timeout_s=0.1).get("/")
    finally:
        server.hold.set()


def test_nobody_is_there() -> None:
    url = f"http://127.0.0.1:{free_port()}"
    with pytest.raises(CallFailed, match="Connection refused; is it running"):
        Caller(url).get("/")


def test_what_answers_is_no_http(server: _Server) -> None:
    server.raw = b"220 mail.example.com\r\n"
    with pytest.raises(CallFailed, match=r"^what answers at http://127\.0\.0\.1:\d+ is no HTTP"):
        Caller(_url(server)).get("/")


def test_a_token_goes_nowhere_else(server: _Server) -> None:
    server.status, server.location = 302, "/elsewhere"
    with pytest.raises(CallFailed, match=r"^the service answered with status 302$"):
        Caller(_url(server), "t0k").get("/")
    assert [path for _, path, *_ in server.requests] == ["/"]


@pytest.mark.parametrize("token", ["t0k\n", "tök", "t0k\r\nX: y"])
def test_what_is_no_token_is_not_shown(server: _Server, token: str) -> None:
    with pytest.raises(CallFailed, match=r"^the token has characters that no token has$"):
        Caller(_url(server), token).get("/")
    assert server.requests == []


@pytest.mark.parametrize(
    "url", ["localhost:8080", "ws://localhost", "file:///etc/passwd", "", "http://[::1", "http://a b"]
)
def test_what_is_no_address(url: str) -> None:
    with pytest.raises(CallFailed, match="is not the address of a service"):
        Caller(url).get("/")
