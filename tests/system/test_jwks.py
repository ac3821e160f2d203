"""A login service changes its keys, and goes away: new ones are taken, old ones end, and the rest stays."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.system.deployment import HOST, serving, until

KEYS = {kid: Ed25519PrivateKey.generate() for kid in ("one", "two", "never")}


class Login:
    """Tells its public keys over HTTP; `status` other than 200 is how it fails."""

    def __init__(self) -> None:
        self.listed = ["one"]
        self.status = 200
        self.asked = 0
        login = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                login.asked += 1
                self.send_response(login.status)
                self.end_headers()
                self.wfile.write(login.document())

            def log_message(self, *_: Any) -> None:
                pass

        self.server = HTTPServer((HOST, 0), Handler)
        self.url = f"http://{HOST}:{self.server.server_port}/keys"

    def document(self) -> bytes:
        algorithm: Any = jwt.get_algorithm_by_name("EdDSA")
        keys = [{**algorithm.to_jwk(KEYS[kid].public_key(), as_dict=True), "kid": kid} for kid in self.listed]
        return json.dumps({"keys": keys}).encode()


@contextmanager
def a_login() -> Iterator[Login]:
    login = Login()
    serving_it = threading.Thread(target=login.server.serve_forever, args=(0.05,))
    serving_it.start()
    try:
        yield login
    finally:
        login.server.shutdown()
        serving_it.join()
        login.server.server_close()


def token(kid: str) -> str:
    now = time.time()
    claims = {"sub": "ann", "iat": now, "exp": now + 600, "typ": "access"}
    return jwt.encode(claims, KEYS[kid], "EdDSA", headers={"kid": kid})


async def test_keys_change_and_the_login_service_goes_away(tmp_path: Path) -> None:
    with a_login() as login:
        settings = {
            "DANMAKU_AUTH_ALGORITHM": "EdDSA",
            "DANMAKU_AUTH_JWKS_URL": login.url,
            "DANMAKU_AUTH_JWKS_REFRESH_S": "1",
            "DANMAKU_AUTH_JWKS_KEEP_S": "5",
        }
        async with serving(tmp_path, "--workers", "1", **settings) as service:

            async def asks(kid: str) -> int:
                return (await service.call("GET", "/v1/chat/conversations", token=token(kid)))[0]

            async def becomes(kid: str, *statuses: int) -> None:
                """The last of them, with none but the others before."""
                async with asyncio.timeout(30):
                    while (status := await asks(kid)) != statuses[-1]:
                        assert status in statuses, (kid, status)
                        await asyncio.sleep(0.1)

            assert await asks("one") == 200
            login.listed = ["two"]
            await becomes("two", 503, 200)
            assert await asks("one") == 200, "for a time"
            await becomes("one", 200, 503, 401)

            login.status = 500
            asked = login.asked
            assert await asks("never") == 503
            async with asyncio.timeout(30):
                while login.asked < asked + 2:  # noqa: ASYNC110  what another process does
                    await asyncio.sleep(0.05)
            assert await asks("never") == 503, "who knows whether it is there"
            assert await asks("two") == 200
            await asyncio.to_thread(until, lambda: "keys of tokens cannot be had" in service.said, "a line")
            login.status = 200
            await becomes("never", 503, 401)
            assert await asks("two") == 200
            metrics = await asyncio.to_thread(service.read, "/metrics")
            assert 'danmaku_edge_key_looks_total{outcome="failed"} 0.0' not in metrics
            assert "danmaku_edge_keys 1.0" in metrics

            asked, begin = login.asked, time.monotonic()
            for number in range(200):
                unknown = jwt.encode({"sub": "eve"}, KEYS["never"], "EdDSA", headers={"kid": f"k{number}"})
                assert (await service.call("GET", "/v1/chat/conversations", token=unknown))[0] in (503, 429)
            most = 2 + time.monotonic() - begin
            assert login.asked - asked <= most, "whoever brings unknown keys does not set the pace"
