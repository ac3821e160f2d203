"""Every decoder there is, what it may refuse by, and inputs to begin with."""

from __future__ import annotations

import asyncio
import importlib
import inspect
import json
import pkgutil
import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from random import Random
from types import ModuleType
from typing import Any, Final

import jwt
import msgspec
import trustme
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key

import danmaku
import edge
import rooms
from config.keys import SettingsError
from config.loading import DEFAULTS, load
from config.settings import Edge, Settings
from danmaku import adjustment, chat, conversation, envelope, jwks, recalls, records, wire, wordlist
from danmaku.auth import Authority
from danmaku.certificate import CertificateError, understood
from danmaku.errors import Refusal
from danmaku.model import Identity, Position, Role
from edge.admission import client_address
from edge.api.routing import Route, decode_body
from edge.session import Session
from edge.uws import Request
from rooms import words
from rooms.advice import answered
from tests.fuzz.examples import Examples, as_json, as_msgpack
from tests.unit.api_service import NOW, SECRET, Service

Feed = Callable[[bytes], object]
Refusals = tuple[type[Exception], ...]

_GOLDEN: Final = json.loads((Path(__file__).parents[1] / "golden/frames.json").read_text(encoding="utf-8"))
_POOL: Final = 400  # inputs that others are made from
_FREE: Final = Edge(frames_per_s=1e9, frames_burst=1_000_000, pulls_per_s=1e9, pulls_burst=1_000_000)
_LIST: Final = [words.made([wordlist.Word("bad", "mask"), wordlist.Word("/b+a[a-z]*d/", "refuse")])]


@dataclass(frozen=True, slots=True)
class Decoder:
    """`refusals`: what may come out of `feed`; anything else is a mistake. `share`: of inputs, beside 1."""

    name: str
    feed: Feed
    refusals: Refusals
    seeds: Callable[[Random], list[bytes]]
    share: float = 1.0


def decoders(folder: Path, loop: asyncio.AbstractEventLoop) -> list[Decoder]:
    """All of them. `folder`: for what is read from files; `loop`: in which HTTP requests are answered."""
    return [
        *_wire(),
        *_envelopes(),
        *_found(),
        *_http(loop),
        *_tokens(),
        *_store(),
        *_texts(),
        *_files(folder),
    ]


def _typed(kind: Any, encode: Callable[[Any], bytes]) -> Callable[[Random], list[bytes]]:
    """Half of it as the type has it."""

    def seeds(random: Random) -> list[bytes]:
        examples = Examples(kind, random)
        return [encode(examples.next(odd=number % 2 == 1)) for number in range(_POOL)]

    return seeds


def _golden(*sides: str, text: bool, kind: Any) -> Callable[[Random], list[bytes]]:
    encode = as_json if text else as_msgpack

    def seeds(random: Random) -> list[bytes]:
        known = [one for one in _GOLDEN if one["side"] in sides]
        spoken = [one["json_text"].encode() if text else bytes.fromhex(one["msgpack_hex"]) for one in known]
        return spoken + _typed(kind, encode)(random)

    return seeds


def _wire() -> Iterator[Decoder]:
    """What clients say goes all the way to what is done about it."""
    for codec, text in ((wire.MSGPACK, False), (wire.JSON, True)):
        kind = "json" if text else "msgpack"
        client = _golden("client", text=text, kind=wire.ClientFrame)
        server = _golden("server", text=text, kind=wire.ServerFrame)
        yield Decoder(f"client frames, {kind}", partial(_hear, codec), (), client, 8)
        yield Decoder(f"server frames, {kind}", codec.decode_server, (ValueError,), server, 4)
    batches = _golden("server", text=False, kind=wire.Batch)
    yield Decoder("batches to JSON", wire.JSON.batch, (ValueError,), batches, 2)
    yield Decoder("compressed frames", _inflate, (ValueError,), lambda random: _packed(batches(random)))


def _hear(codec: wire.Codec, message: bytes) -> None:
    session = Session(codec, _FREE)
    session.receive(wire.Hello(1), 0.0)
    session.greet(Identity("ann", "Ann", Role.VIEWER))
    session.enter("demo")
    session.enter("r1")
    for frame in codec.decode(message):
        session.receive(frame, 0.0)


def _inflate(message: bytes) -> None:
    assert len(wire.inflated(message)) <= 4 * 1024 * 1024


def _packed(seeds: list[bytes]) -> list[bytes]:
    bomb = zlib.compress(bytes(64 * 1024 * 1024))
    return [bomb, *(zlib.compress(seed) for seed in seeds)]


def _envelopes() -> Iterator[Decoder]:
    """Every `decode_…` of what processes say to each other."""
    for module in (envelope, chat, records, adjustment):
        for name, read in vars(module).items():
            if name.startswith("decode_") and read is not envelope.decode_out:
                kind = inspect.getclosurevars(read).nonlocals["decode"].__self__.type
                yield Decoder(f"{module.__name__}.{name}", read, (ValueError,), _typed(kind, as_msgpack))
    yield Decoder("danmaku.envelope.decode_out", envelope.decode_out, (ValueError,), _outs, 2)


def _outs(random: Random) -> list[bytes]:
    frames = _golden("server", text=False, kind=wire.Batch)(random)
    kinds = list(envelope.OutKind)
    first, prev = Position(7, 3), Position(6, 9)
    return [
        envelope.encode_out(envelope.Out(random.choice(kinds), 7, first, 2, prev, "ann", frame))
        for frame in frames
    ]


def _found() -> Iterator[Decoder]:
    """Every decoder of a type that some module holds, also those that only read what we wrote."""
    for module in _modules(danmaku, rooms, edge):
        for name, held in vars(module).items():
            made = getattr(held, "__self__", held)
            if isinstance(made, msgspec.msgpack.Decoder):
                encode = as_msgpack
            elif isinstance(made, msgspec.json.Decoder):
                encode = as_json
            else:
                continue
            seeds = _typed(made.type, encode)
            yield Decoder(f"{module.__name__}.{name}", made.decode, (ValueError, RecursionError), seeds, 0.5)


def _modules(*packages: ModuleType) -> Iterator[ModuleType]:
    for package in packages:
        for found in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
            if not found.name.endswith("__main__"):
                with suppress(ImportError):  # what an optional extra brings
                    yield importlib.import_module(found.name)


def _http(loop: asyncio.AbstractEventLoop) -> Iterator[Decoder]:
    service = Service()
    routes = [route for route in service.routes if route.body is not None]
    for route in routes:
        body = partial(_body, route)
        yield Decoder(f"body of {route.method} {route.path}", body, (Refusal,), _typed(route.body, as_json))
    yield Decoder("whole HTTP requests", _Http(service, loop), (), partial(_requests, service), 2)


def _body(route: Route, body: bytes) -> None:
    decode_body(route, Request(route.method, route.path, "", {}, "", body), 256 * 1024)


class _Http:
    """A request line, then the body: answered by whatever there is, but never with an internal error."""

    def __init__(self, service: Service, loop: asyncio.AbstractEventLoop) -> None:
        self._service = service
        self._loop = loop
        self._admin = service.token("root", Role.ADMIN)

    def __call__(self, request: bytes) -> None:
        line, _, body = request.partition(b"\n")
        method, _, url = line.decode("latin-1").partition(" ")
        path, _, query = url.partition("?")
        headers = {"authorization": f"Bearer {self._admin}"}
        asked = Request(method, path, query, headers, "127.0.0.1", body)
        answer = self._loop.run_until_complete(self._service.answer(asked))
        assert answer.status != 500, answer
        self._service.forget()


def _requests(service: Service, random: Random) -> list[bytes]:
    requests = []
    for route in service.routes:
        body = Examples(route.body, random) if route.body is not None else None
        for number in range(4):
            path = "/".join(
                random.choice(("r1", "p:ann:bob", "7", "7-3")) if part.startswith("{") else part
                for part in route.path.split("/")
            )
            query = "&".join(f"{one.name}={random.choice(('1', 'a', '7-3', ''))}" for one in route.query)
            said = as_json(body.next(odd=number % 2 == 1)) if body is not None else b""
            requests.append(f"{route.method} {path}?{query}\n".encode() + said)
    return requests


class _Claims(msgspec.Struct, omit_defaults=True):
    """What a token may say, nearly."""

    sub: str | int
    iat: float | str
    exp: float | int
    typ: str
    name: str | int = ""
    role: str = "viewer"
    rooms: dict[str, str] | None = None
    member_of: list[str] | str = []
    follows: list[str] = []
    since: float | None = None
    nbf: float = 0
    fam: str = ""
    n: float | int = 0
    ttl: int | None = None


def _tokens() -> Iterator[Decoder]:
    authority = Authority(secret=SECRET)

    def claims(payload: bytes) -> None:
        _verify(authority, jwt.api_jws.encode(payload, SECRET, "HS256").encode())

    yield Decoder("sets of public keys", lambda data: jwks.parsed(data, "RS256"), (jwks.BadKeys,), _key_sets)
    yield Decoder("tokens", partial(_verify, authority), (), partial(_issued, authority), 2)
    yield Decoder("claims of signed tokens", claims, (), _claims, 2)


def _key_sets(_: Random) -> list[bytes]:
    public = generate_private_key(65537, 2048).public_key()
    known: dict[str, Any] = jwt.get_algorithm_by_name("RS256").to_jwk(public, as_dict=True)
    one = {**known, "kid": "one", "use": "sig", "alg": "RS256"}
    return [
        as_json({"keys": [one, {**one, "kid": "two"}]}),
        as_json({"keys": [{"kty": "oct", "k": "AAAA", "kid": "x"}, one]}),
    ]


def _verify(authority: Authority, token: bytes) -> None:
    text = token.decode("latin-1")
    for read in (authority.verify, authority.read_refresh):
        with suppress(Refusal):
            read(text, NOW)


def _issued(authority: Authority, random: Random) -> list[bytes]:
    who = Identity("ann", "Ann", Role.STREAMER, {"r1": Role.MODERATOR}, member_of=frozenset({"*"}))
    pairs = [authority.issue(who, NOW - random.randrange(5000)) for _ in range(20)]
    return [token.encode() for pair in pairs for token in (pair.access, pair.refresh)]


def _claims(random: Random) -> list[bytes]:
    good = {"sub": "ann", "iat": NOW, "exp": NOW + 60, "fam": "f", "n": 1}
    known = [as_json({**good, "typ": kind}) for kind in ("access", "refresh")]
    varied = (json.loads(one) for one in _typed(_Claims, as_json)(random) if one.startswith(b"{"))
    return known + [as_json({**good, **one, "typ": random.choice(("access", "refresh"))}) for one in varied]


def _store() -> Iterator[Decoder]:
    """What reads rows of the store, and frames that it kept."""
    batches = _golden("server", text=False, kind=wire.Batch)
    items = _golden("item", text=False, kind=wire.Item)
    messages = _typed(conversation.Message, as_msgpack)
    redaction = recalls.Redaction([recalls.Recalled(Position(7, 3), wire.Recall("moderator", uid="bob"))])
    for name, feed, seeds in (
        ("recalls.recallable", recalls.recallable, items),
        ("recalls.recalls_in", recalls.recalls_in, batches),
        ("recalls.item_at", lambda frame: recalls.item_at(frame, Position(7, 3)), batches),
        ("recalls.Redaction.of", redaction.of, batches),
        ("conversation.read", conversation.read, messages),
    ):
        yield Decoder(f"danmaku.{name}", feed, (ValueError,), seeds)


def _texts() -> Iterator[Decoder]:
    lists = _typed(list[wordlist.Word], as_msgpack)
    yield Decoder(
        "packed lists of words", wordlist.unpack, (ValueError,), lambda random: _packed(lists(random))
    )
    yield Decoder("entries of lists of words", _words, (Refusal,), _entries, 0.5)
    yield Decoder("texts that words are looked for in", _look, (), _entries, 0.5)
    yield Decoder("answers of a webhook", answered, (ValueError,), _answers)
    yield Decoder(
        "X-Forwarded-For", _forwarded, (), lambda _: [b"192.0.2.1, [2001:db8::1]:80", b"10.0.0.1:5, x"]
    )
    yield Decoder("subprotocols", lambda data: wire.codec_for(data.decode("latin-1")), (), _protocols, 0.5)


def _words(line: bytes) -> None:
    entry = line.decode(errors="replace")
    wordlist.pack([wordlist.Word(entry, "mask")])
    words.made([wordlist.Word(entry, "mask")])


def _look(text: bytes) -> None:
    words.look(text.decode(errors="replace"), _LIST)


def _entries(_: Random) -> list[bytes]:
    known = ("bad", "*bad*", "坏话", "/(a|b)+[^c]{1,9}$/", "B.a.D", "ｂａｄ", "b🀄d", "/^.*$/", "e\u0301")
    return [entry.encode() for entry in known]


def _answers(_: Random) -> list[bytes]:
    return [
        as_json({"decision": word, "text": "x", "reason": "y"})
        for word in ("allow", "change", "deny", "hold")
    ]


def _forwarded(header: bytes) -> None:
    text = header.decode("latin-1")
    client_address(text, "127.0.0.1", ())
    client_address("", text, ())


def _protocols(_: Random) -> list[bytes]:
    return [b"danmaku.v1.msgpack", b"danmaku.v1.json, danmaku.v1.msgpack"]


def _files(folder: Path) -> Iterator[Decoder]:
    authority = trustme.CA()
    issued = authority.issue_cert("live.example")
    chain, key = issued.cert_chain_pems[0].bytes(), issued.private_key_pem.bytes()
    yield Decoder(
        "certificates", lambda data: understood(data, key), (CertificateError,), lambda _: [chain], 0.1
    )
    yield Decoder("keys", lambda data: understood(chain, data), (CertificateError,), lambda _: [key], 0.01)
    path = folder / "settings.toml"

    def settings(document: bytes) -> None:
        path.write_bytes(document)
        load(path, {}, {})

    yield Decoder("settings", settings, (SettingsError,), _settings, 0.05)


def _settings(random: Random) -> list[bytes]:
    examples = Examples(Settings, random)
    made = [_toml(examples.next(odd=number % 2 == 1)) for number in range(50)]
    return [DEFAULTS.read_bytes()] * len(made) + made


def _toml(sections: Any) -> bytes:
    lines = []
    for section, table in sections.items() if isinstance(sections, dict) else ():
        lines.append(f"[{section}]")
        if isinstance(table, dict):
            lines += [f"{name} = {as_json(value).decode()}" for name, value in table.items()]
    return "\n".join(lines).encode()
