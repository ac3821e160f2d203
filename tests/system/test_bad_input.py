"""What clients send by mistake or malice is refused by name or closed with its code, and hurts nobody."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import re
import struct
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, Final

import msgpack
import pytest

from config.settings import Settings
from danmaku.auth import from_settings
from danmaku.model import Identity, Role
from tests.system.clients import Gone, Line, Viewer
from tests.system.deployment import HOST, Deployment, serving
from tests.system.uws_raw import (
    BINARY,
    CLOSE,
    PING,
    PONG,
    TEXT,
    RawClient,
    UpgradeRefused,
    encode_frame,
    upgrade_request,
)

Frame = dict[str, Any]

DEADLINE_S: Final = 20
SMALL: Final = {"DANMAKU_EDGE_HELLO_S": "2", "DANMAKU_EDGE_HEARTBEAT_S": "5", "DANMAKU_EDGE_IDLE_S": "8"}
START: Final = {"epoch": 0, "seq": 0}
JOIN: Final = {"t": "join", "id": 2, "room": "r"}
SEND: Final = {"t": "send", "id": 3, "room": "r", "text": "x", "cid": "c1"}


def pack(*frames: Any) -> bytes:
    return b"".join(msgpack.packb(frame) for frame in frames)


def lines(*frames: Any) -> bytes:
    return "\n".join(json.dumps(frame) for frame in frames).encode()


def deep_msgpack(depth: int, *, inside: bytes = b"") -> bytes:
    return inside + b"\x91" * depth + b"\xc0"


def deep_json(depth: int, *, before: str = "", after: str = "") -> bytes:
    return f"{before}{'[' * depth}{']' * depth}{after}".encode()


class Talk:
    """A raw connection that said hello, and reads what comes back."""

    def __init__(self, client: RawClient, kind: str) -> None:
        self.client = client
        self._kind = kind
        self._frames: list[Frame] = []

    def say(self, payload: bytes) -> None:
        self.client.send_bytes(encode_frame(payload, BINARY if self._kind == "msgpack" else TEXT))

    async def hear(self) -> Frame:
        """The next frame; {"close": code} where the connection is closed (None: without a code)."""
        while not self._frames:
            try:
                opcode, payload = await asyncio.wait_for(self.client.frame(), DEADLINE_S)
            except EOFError:
                return {"close": None}
            if opcode == CLOSE:
                return {"close": struct.unpack("!H", payload[:2])[0]}
            if opcode == TEXT:
                self._frames += [json.loads(line) for line in payload.splitlines()]
            elif opcode == BINARY:
                unpacker = msgpack.Unpacker()
                unpacker.feed(payload)
                self._frames += list(unpacker)
        return self._frames.pop(0)

    async def answer(self) -> Frame:
        """The next frame that is none of the room's."""
        while True:
            frame = await self.hear()
            if frame.get("t") not in ("batch", "stats", "skip"):
                return frame


@asynccontextmanager
async def talking(service: Deployment, kind: str, *, hello: bool = True) -> AsyncIterator[Talk]:
    headers = (f"Sec-WebSocket-Protocol: danmaku.v1.{kind}",)
    client = await RawClient.open(service.port, "/v1/ws", headers=headers)
    talk = Talk(client, kind)
    try:
        if hello:
            frame = {"t": "hello", "id": 1}
            talk.say(pack(frame) if kind == "msgpack" else lines(frame))
            assert (await talk.answer())["t"] == "ok"
        yield talk
    finally:
        await client.leave()


BAD: Final[dict[str, tuple[str, bytes, str]]] = {
    "broken msgpack": ("msgpack", b"\xc1", "bad_frame"),
    "half a map": ("msgpack", pack(JOIN)[:-2], "bad_frame"),
    "no map": ("msgpack", pack([1, 2]), "bad_frame"),
    "empty": ("msgpack", b"", "bad_frame"),
    "bad UTF-8 in a str": ("msgpack", b"\x83\xa1t\xa4join\xa2id\x02\xa4room\xa1\xff", "bad_frame"),
    "deep msgpack": ("msgpack", deep_msgpack(10_000), "bad_frame"),
    "deep msgpack in a key that is ignored": (
        "msgpack", deep_msgpack(10_000, inside=b"\x83\xa1t\xa4ping\xa2id\x02\xa1x"), "bad_frame",
    ),
    "deep msgpack in a key that is read": (
        "msgpack", deep_msgpack(10_000, inside=b"\x83\xa1t\xa4join\xa2id\x02\xa4room"), "bad_frame",
    ),
    "a map that claims 2**32 - 1 keys": ("msgpack", b"\xdf\xff\xff\xff\xff", "bad_frame"),
    "a str that claims 4 GB": ("msgpack", b"\x81\xa1t\xdb\xff\xff\xff\xff", "bad_frame"),
    "65 frames in one message": ("msgpack", pack(*[{"t": "ping", "id": n} for n in range(65)]), "bad_frame"),
    "broken JSON": ("json", b"{", "bad_frame"),
    "no object": ("json", b"[1]", "bad_frame"),
    "empty JSON": ("json", b"\n\n", "bad_frame"),
    "deep JSON": ("json", deep_json(5_000), "bad_frame"),
    "deep JSON in a key that is ignored": (
        "json", deep_json(5_000, before='{"t":"ping","id":2,"x":', after="}"), "bad_frame",
    ),
    "NaN": ("json", b'{"t": "like", "id": NaN, "room": "r", "n": 1}', "bad_frame"),
    "a lone surrogate": ("json", b'{"t": "join", "id": 2, "room": "\\ud800"}', "bad_frame"),
    "unknown t": ("json", lines({"t": "dance", "id": 2}), "bad_frame"),
    "no t": ("json", lines({"id": 2, "room": "r"}), "bad_frame"),
    "no id": ("json", lines({"t": "join", "room": "r"}), "bad_frame"),
    "a room that is a number": ("json", lines({**JOIN, "room": 5}), "bad_frame"),
    "an id that is text": ("json", lines({**JOIN, "id": "2"}), "bad_frame"),
    "a negative id": ("json", lines({**JOIN, "id": -1}), "bad_frame"),
    "an id of 2**64": ("json", lines({**JOIN, "id": 2**64}), "bad_frame"),
    "a seq of 2**64": ("json", lines({**JOIN, "since": {"epoch": 0, "seq": 2**64}}), "bad_frame"),
    "a seq that is a float": ("json", lines({**JOIN, "since": {"epoch": 0, "seq": 1.5}}), "bad_frame"),
    "since without seq": ("json", lines({**JOIN, "since": {"epoch": 0}}), "bad_frame"),
    "an unknown mode": ("json", lines({**SEND, "mode": "sideways"}), "bad_frame"),
    "a colour out of range": ("json", lines({**SEND, "color": 2**24}), "bad_frame"),
    "a room of dots": ("json", lines({**JOIN, "room": "a.b"}), "bad_id"),
    "a room of wildcards": ("msgpack", pack({**JOIN, "room": ">"}), "bad_id"),
    "an empty room": ("json", lines({**JOIN, "room": ""}), "bad_id"),
    "a long room": ("json", lines({**JOIN, "room": "r" * 65}), "bad_id"),
    "a room with a zero byte": ("msgpack", pack({**JOIN, "room": "a\0b"}), "bad_id"),
    "sending without join": ("json", lines({**SEND, "room": "q"}), "not_joined"),
    "history without join": (
        "json", lines({**JOIN, "t": "history", "room": "q", "since": START}), "not_joined",
    ),
    "double hello": ("json", lines({"t": "hello", "id": 2}), "bad_frame"),
}  # fmt: skip


async def refusal_of(talk: Talk) -> Frame:
    while True:
        frame = await talk.answer()
        if frame.get("t") == "err" or "close" in frame:
            return frame


async def still_serves(service: Deployment) -> None:
    """Somebody else is let in and gets an answer."""
    line = await Line.open(service.ws, "json")
    listening = asyncio.create_task(line.listen(lambda frame: None))
    try:
        assert (await line.ask("hello"))["t"] == "ok"
        assert (await line.ask("join", room="r"))["t"] == "ok"
    finally:
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)
        await line.close()


async def test_bad_frames_are_refused_by_name_and_the_connection_goes_on(tmp_path: Path) -> None:
    async with serving(tmp_path, "--workers", "1") as service:
        wrong = {}
        for name, (kind, payload, refusal) in BAD.items():
            async with talking(service, kind) as talk:
                talk.say((pack if kind == "msgpack" else lines)(JOIN))
                assert (await talk.answer())["t"] == "ok"
                talk.say(payload)
                refused = await refusal_of(talk)
                if refused.get("error") != refusal:
                    wrong[name] = refused
                    continue
                talk.say((pack if kind == "msgpack" else lines)({"t": "ping", "id": 99}))
                while (frame := await talk.answer()).get("id") != 99 and "close" not in frame:
                    pass
                if frame.get("t") != "ok":
                    wrong[name] = frame
        assert not wrong
        await still_serves(service)


def forged(header: Frame, claims: Frame, secret: bytes) -> str:
    def part(raw: bytes) -> str:
        return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()

    head = f"{part(json.dumps(header).encode())}.{part(json.dumps(claims).encode())}"
    signature = hmac.new(secret, head.encode(), hashlib.sha256).digest() if secret else b""
    return f"{head}.{part(signature)}"


async def test_bad_tokens_are_refused_and_closed(tmp_path: Path) -> None:
    async with serving(tmp_path, "--workers", "1") as service:
        now = int(time.time())
        claims = {"sub": "eve", "role": "admin", "typ": "access", "iat": now, "exp": now + 600}
        auth = from_settings(service.data.with_secret(Settings()).auth)
        pair = auth.issue(Identity("eve", "eve", Role.VIEWER), time.time() - 7200)
        good = service.token("eve").split(".")
        tokens = {
            "none": forged({"alg": "none", "typ": "JWT"}, claims, b""),
            "forged": forged(
                {"alg": "HS256", "typ": "JWT"}, claims, b"not the secret of this service at all"
            ),
            "another algorithm": forged({"alg": "HS384", "typ": "JWT"}, claims, b"a secret"),
            "expired": pair.access,
            "a refresh token": auth.issue(Identity("eve", "eve", Role.VIEWER), time.time()).refresh,
            "changed claims": ".".join([good[0], forged({}, claims, b"").split(".")[1], good[2]]),
            "no token at all": "x",
            "empty": "",
            "long": "a" * 10_000,
        }
        for name, token in tokens.items():
            async with talking(service, "json", hello=False) as talk:
                talk.say(lines({"t": "hello", "id": 1, "token": token}))
                assert (await talk.answer())["error"] == "unauthorized", name
                assert await talk.answer() == {"close": 4401}, name
            if token:
                with pytest.raises(UpgradeRefused) as refused:
                    await RawClient.open(service.port, "/v1/ws", headers=(f"Authorization: Bearer {token}",))
                assert refused.value.status == 401, name
                assert json.loads(refused.value.body)["error"]["error"] == "unauthorized", name
        await still_serves(service)


async def test_who_says_nothing_or_too_much_is_closed(tmp_path: Path) -> None:
    async with serving(tmp_path, "--workers", "1", **SMALL) as service:
        idle = await RawClient.connect(service.port)
        half = await RawClient.connect(service.port)
        half.send_bytes(b"GET /v1/ws HTTP/1.1\r\nHost: te")
        slow = await RawClient.connect(service.port)
        dripping = asyncio.create_task(_drip(slow))
        async with talking(service, "json", hello=False) as talk:
            assert await talk.answer() == {"close": 4101}, "no hello"
        async with talking(service, "json", hello=False) as talk:
            talk.say(lines(JOIN))
            assert (await talk.answer())["error"] == "unauthorized", "another frame first"
        async with talking(service, "msgpack") as talk:
            talk.say(pack({**SEND, "text": "x" * 20_000}))
            assert await talk.answer() == {"close": 4413}, "a large message"
        async with talking(service, "msgpack") as talk:
            talk.say(pack({**SEND, "text": "x" * 500_000}))
            assert await talk.answer() == {"close": None}, "a giant message"
        async with talking(service, "json") as talk:
            talk.say(b'{"t": "join", "id": 2, "room": "\xff"}')
            assert await talk.answer() == {"close": None}, "bad UTF-8 in a text frame"
        async with talking(service, "json") as talk:
            talk.client.send_bytes(encode_frame(lines({"t": "ping", "id": 5}), masked=False))
            assert (await refusal_of(talk))["close"] is None, "a frame without a mask"
        async with talking(service, "json") as talk:
            talk.client.send_bytes(encode_frame(b'{"t": "ping",', last=False))
            assert (await refusal_of(talk))["close"] is None, "a message that never ends"
        for client in (idle, half, slow):
            with pytest.raises((EOFError, ConnectionError)):
                await asyncio.wait_for(client.reader.readexactly(1), DEADLINE_S * 2)
            await client.leave()
        dripping.cancel()
        await asyncio.gather(dripping, return_exceptions=True)
        await still_serves(service)


async def _drip(client: RawClient) -> None:
    """A request that goes on and on, a byte at a time."""
    client.send_bytes(b"GET /v1/ws HTTP/1.1\r\nX-Slow: ")
    while True:
        await asyncio.sleep(1)
        client.send_bytes(b"x")


async def test_one_address_gets_so_many_connections_and_no_more(tmp_path: Path) -> None:
    limits = {"DANMAKU_EDGE_CONNECTIONS_PER_ADDRESS": "100", "DANMAKU_EDGE_HELLO_S": "600"}
    async with serving(tmp_path, "--workers", "1", **limits) as service:
        clients: list[RawClient] = []
        refusals = []
        for _ in range(500):
            try:
                clients.append(await RawClient.open(service.port, "/v1/ws"))
            except UpgradeRefused as refused:
                refusals.append((refused.status, json.loads(refused.body)["error"]["error"]))
        assert len(clients) == 100
        assert refusals == [(429, "rate_limited")] * 400
        neighbour = RawClient(*await asyncio.open_connection(HOST, service.port, local_addr=("127.0.0.2", 0)))
        clients.append(neighbour)
        neighbour.send_bytes(upgrade_request("/v1/ws"))
        head, _ = await neighbour.response_head()
        assert " 101 " in head
        for client in clients:
            await client.leave()
        async with asyncio.timeout(DEADLINE_S):
            while not await comes_in(service):  # noqa: ASYNC110  until all are known to be gone
                await asyncio.sleep(0.1)


async def test_one_address_cannot_hoard_connections_that_are_no_websockets(tmp_path: Path) -> None:
    limits = {"DANMAKU_EDGE_CONNECTIONS_PER_ADDRESS": "20", "DANMAKU_EDGE_TRUSTED_PROXIES": "10.0.0.1"}
    async with serving(tmp_path, "--workers", "1", **limits) as service:
        held: list[RawClient] = []
        for _ in range(500):
            held.append(await RawClient.connect(service.port))
            held[-1].send_bytes(b"GET /healthz HTTP/1.1\r\nHost: test\r\n\r\n")
        answered = 0
        for client in held:
            with suppress(EOFError, ConnectionError):
                assert (await client.response())[0] == 200
                answered += 1
        assert 200 <= answered <= 20 + 256
        neighbour = RawClient(*await asyncio.open_connection(HOST, service.port, local_addr=("127.0.0.2", 0)))
        neighbour.send_bytes(upgrade_request("/v1/ws"))
        head, _ = await neighbour.response_head()
        assert " 101 " in head
        await neighbour.leave()
        for client in held:
            await client.leave()
        async with asyncio.timeout(DEADLINE_S):
            while not await comes_in(service):  # noqa: ASYNC110  until all are known to be gone
                await asyncio.sleep(0.1)
        metrics = await asyncio.to_thread(service.read, "/metrics")
        assert re.search(r"danmaku_edge_turned_away_total [1-9]", metrics)


async def comes_in(service: Deployment) -> bool:
    try:
        await still_serves(service)
    except Gone:
        return False
    return True


async def test_floods_are_cut_off_and_others_miss_nothing(tmp_path: Path) -> None:
    strict = {"DANMAKU_EDGE_FRAMES_PER_S": "20", "DANMAKU_EDGE_FRAMES_BURST": "60"}
    async with serving(tmp_path, "--workers", "1", **strict) as service:
        viewers = [Viewer(f"v{n}", ["msgpack", "json"][n % 2], [service.ws], ["r"]) for n in range(20)]
        watching = [asyncio.create_task(viewer.run()) for viewer in viewers]
        for viewer in viewers:
            await asyncio.wait_for(viewer.joined.wait(), DEADLINE_S)
        stop = asyncio.Event()
        floods = [asyncio.create_task(_flood(service, frame, stop)) for frame in _floods()]
        token = service.token("ann", "admin")
        texts = [f"comment {number}" for number in range(100)]
        for text in texts:
            await asyncio.to_thread(service.post, "r", text, token)
        async with asyncio.timeout(DEADLINE_S):
            while any(len(viewer.rooms["r"].log) < len(texts) for viewer in viewers):  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        stop.set()
        codes = [code for flood in await asyncio.gather(*floods) for code in flood]
        assert len(codes) >= len(floods)
        assert set(codes) == {4103}, "who floods is closed, and told why"
        for viewer in viewers:
            assert [text for _, text in viewer.rooms["r"].log] == texts
            assert viewer.ends == []
        for task in watching:
            task.cancel()
        await asyncio.gather(*watching, return_exceptions=True)


def _floods() -> list[bytes]:
    """Pings, comments for a room that was not joined, rubbish, and what is no message at all."""
    messages = pack({"t": "ping", "id": 1}), pack(SEND), b"\xc1", pack({**JOIN, "room": "."})
    beats = [encode_frame(b"", kind) for kind in (PING, PONG)]
    return [*(encode_frame(message, BINARY) for message in messages), *beats]


async def _flood(service: Deployment, frame: bytes, stop: asyncio.Event) -> list[int]:
    """Ten thousand frames and more a second, over new connections until `stop`; how each was closed."""
    codes: list[int] = []
    while not stop.is_set() or not codes:
        async with talking(service, "msgpack") as talk:
            sending = asyncio.create_task(_pour(talk.client, frame * 200))
            heard: Frame = {}
            while "close" not in heard:
                heard = await talk.hear()
            sending.cancel()
            await asyncio.gather(sending, return_exceptions=True)
            if heard["close"] is not None:  # else the close was lost with what was still unread
                codes.append(heard["close"])
    return codes


async def _pour(client: RawClient, messages: bytes) -> None:
    while True:
        client.send_bytes(messages)
        await client.writer.drain()
        await asyncio.sleep(0.01)
