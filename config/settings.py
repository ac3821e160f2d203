"""Typed settings, section by section. Each component gets its own section in its constructor.

Precedence: the shipped `default.toml` < a TOML file < environment `DANMAKU_<SECTION>_<KEY>` < CLI flags.
What each key means is told in `default.toml`; what it may be is told here, once, by its type.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from math import ceil
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta

from config.engines import Nats as Nats
from config.engines import Store as Store
from config.engines import wrong_with_nats, wrong_with_store
from config.types import (
    Bytes,
    Count,
    CountOrNone,
    Deadline,
    Frame,
    Lifetime,
    Live,
    Port,
    Region,
    Seconds,
    Section,
    SocketUrl,
    WholeSeconds,
    Word,
)
from config.words import MASK, allowed, is_list, masked_url

DEFAULTS: Final = Path(__file__).with_name("default.toml")
PREFIX: Final = "DANMAKU_"
CONFIG_VARIABLE: Final = "DANMAKU_CONFIG"  # names the TOML file where none is given otherwise
SECRETS: Final = frozenset(
    {
        "auth.secret",
        "review.secret",
        "nats.password",
        "nats.token",
        "store.password",
        "store.sentinel_password",
    }
)
DEFAULT: Final = "default"  # where a value comes from, beside names of files and variables
COMMAND_LINE: Final = "command line"
CLIENT_VARIABLES: Final = frozenset({"DANMAKU_DATA", "DANMAKU_URL", "DANMAKU_TOKEN"})  # for the command line


class Edge(Section, frozen=True):
    """Sockets and HTTP of an edge node."""

    host: Annotated[Word, Meta(extra={"allowed": "an address or name of this host"})] = "0.0.0.0"  # noqa: S104  a server for viewers listens everywhere unless told otherwise
    port: Port = 8080
    workers: Annotated[int, Meta(ge=0, le=1024)] = 0  # 0: cores - 1, at least 1
    tls_certificate: str = ""  # a file of PEM, the chain after it; empty: no TLS here
    tls_key: str = ""
    addresses: list[SocketUrl] = msgspec.field(
        default_factory=list
    )  # what GET /v1/edges tells; empty: derived from the request's Host
    region: Region = ""
    weight: Live[Annotated[float, Meta(gt=0, le=1000)]] = 1.0
    origins: Live[list[Word]] = msgspec.field(default_factory=lambda: ["*"])
    cors: Live[list[Word]] = msgspec.field(default_factory=lambda: ["*"])
    frame_ancestors: list[Frame] = msgspec.field(default_factory=lambda: ["self"])
    trusted_proxies: list[Word] = msgspec.field(default_factory=lambda: ["127.0.0.1", "::1"])
    drain_s: Seconds = 10.0
    hello_s: Live[Deadline] = 5.0
    recheck_s: Live[Annotated[float, Meta(ge=0.05, le=300)]] = 60.0  # below what sessions are remembered for
    heartbeat_s: Live[Annotated[float, Meta(ge=0.05, le=900)]] = 25.0
    idle_s: Annotated[int, Meta(ge=8, le=960)] = 60  # what uWebSockets can count
    frame_bytes: Bytes = 16 * 1024
    body_bytes: Bytes = 256 * 1024
    buffered_bytes: Bytes = 256 * 1024
    slow_s: Live[Deadline] = 30.0
    connections: Live[Count] = 15_000
    accepts_per_s: Live[CountOrNone] = 8000
    connections_per_address: Live[CountOrNone] = 1000  # 0: no limit
    address_per_s: Live[Annotated[float, Meta(ge=0, le=1_000_000_000)]] = 50.0  # 0: no limit
    address_burst: Live[Count] = 500
    frames_per_s: Live[Annotated[float, Meta(gt=0, le=1_000_000_000)]] = 20.0
    frames_burst: Live[Count] = 60
    pulls_per_s: Live[Annotated[float, Meta(gt=0, le=1_000_000_000)]] = 5.0
    pulls_burst: Live[Count] = 10
    rooms_per_connection: Live[Count] = 16
    gather_ms: Annotated[float, Meta(ge=0, le=1000)] = 5.0
    linger_s: Live[Seconds] = 5.0
    fanout_share: Live[Annotated[float, Meta(ge=0.05, le=1)]] = 0.7
    fanout_bytes: Live[Bytes] = 128 * 1024
    deflate_bytes: Live[Annotated[int, Meta(ge=0, le=1024 * 1024)]] = 512
    ring_batches: Count = 300
    ring_bytes: Bytes = 1024 * 1024
    request_s: Deadline = 5.0


class Rooms(Section, frozen=True):
    """Owners of rooms."""

    window_ms: Live[Annotated[float, Meta(ge=1, le=10_000)]] = 50.0
    batches_per_s: Live[Count] = 500  # of a process; where rooms would make more, the window grows
    batch_items: Live[Annotated[int, Meta(ge=1, le=10_000)]] = 200
    batch_bytes: Live[Annotated[int, Meta(ge=1024, le=256 * 1024)]] = 64 * 1024
    lease_ms: Annotated[int, Meta(ge=300, le=600_000)] = 3000
    join_history: Live[Annotated[int, Meta(ge=0, le=10_000)]] = 50
    history_batches: Count = 2400
    history_s: Lifetime = 600
    repeat_memory_s: Lifetime = 120  # how long a (uid, cid) is remembered
    idle_s: Live[Lifetime] = 60  # a room without viewers or comments this long leaves memory
    changes_kept: Count = 10_000  # entries of the changes log
    changes_s: Lifetime = 3600  # and their age
    audit_kept: Count = 10_000  # acts of moderation kept of one room, and of all together
    audit_s: Lifetime = 90 * 24 * 3600  # and their age
    unsaved_rooms: Live[Count] = 10_000  # in memory only, for nobody said anything in them
    queue_items: Live[Count] = 20_000  # comments waiting in one process; beyond it they are refused
    auto_create: Live[bool] = True  # the first join or comment makes a room
    metrics_host: str = "127.0.0.1"
    metrics_port: Annotated[int, Meta(ge=0, le=65_535)] = 0  # of a process by itself; 0: none


class Policy(Section, frozen=True):
    """What a room allows unless its own settings say otherwise."""

    max_length: Live[Annotated[int, Meta(ge=1, le=10_000)]] = 100
    guests_may_send: Live[bool] = True
    user_burst: Live[Count] = 5
    user_count: Live[Count] = 20
    user_per_s: Live[Annotated[float, Meta(gt=0, le=86_400)]] = 30.0
    guest_burst: Live[Count] = 3
    guest_count: Live[Count] = 10
    guest_per_s: Live[Annotated[float, Meta(gt=0, le=86_400)]] = 30.0
    slow_s: Live[WholeSeconds] = 0
    repeat_s: Live[WholeSeconds] = 5
    unique_s: Live[WholeSeconds] = 0
    min_account_s: Live[WholeSeconds] = 0
    links: Live[Literal["show", "hold", "refuse"]] = "show"
    delay_s: Live[Annotated[int, Meta(ge=0, le=10)]] = 0
    review: Live[bool] = False
    display_per_s: Live[Count] = 40
    display_high_per_s: Live[CountOrNone] = 10


PaidPin = Annotated[
    str,
    Meta(
        pattern=r"^([A-Z]{3}|\*):[0-9]{1,15}:[0-9]{1,5}$",
        extra={"allowed": "CURRENCY:AMOUNT:SECONDS, with * for any other currency"},
    ),
]


class Events(Section, frozen=True):
    """Paid comments, gifts and polls."""

    paid_pins: Live[list[PaidPin]] = msgspec.field(
        default_factory=lambda: ["*:500:60", "*:1000:120", "*:2000:300", "*:5000:600", "*:10000:1800"]
    )
    paid_length: Live[Annotated[int, Meta(ge=1, le=1000)]] = 200
    paid_pinned: Live[Annotated[int, Meta(ge=1, le=50)]] = 20
    voters: Live[Count] = 1_000_000  # in one poll
    guests_may_vote: Live[bool] = False


HttpUrl = Annotated[
    str, Meta(pattern=r"^$|^https?://[^\s]+$", extra={"allowed": "https://HOST/PATH or http://…, or empty"})
]


class Review(Section, frozen=True):
    """Comments that somebody else decides about."""

    url: HttpUrl = ""  # of a webhook that is asked about every comment; empty: none is
    secret: str = ""
    secret_file: str = ""
    timeout_ms: Live[Annotated[int, Meta(ge=10, le=3000)]] = 200
    fallback: Live[Literal["allow", "hold", "deny"]] = "allow"
    at_once: Live[Annotated[int, Meta(ge=1, le=10_000)]] = 200
    breaker_failures: Live[Annotated[int, Meta(ge=1, le=10_000)]] = 10  # in a row
    breaker_pause_s: Live[Annotated[float, Meta(ge=0.1, le=3600)]] = 5.0
    held_kept: Live[Annotated[int, Meta(ge=1, le=10_000)]] = 500  # comments that wait in one room
    held_bytes: Live[Bytes] = 512 * 1024  # and their size
    held_s: Live[Lifetime] = 24 * 3600  # and how long they wait


class Chat(Section, frozen=True):
    """Private and group conversations."""

    private_messages: Count = 10_000  # kept of one conversation
    private_s: Lifetime = 180 * 24 * 3600  # and their age
    group_messages: Count = 10_000
    group_s: Lifetime = 180 * 24 * 3600
    cid_s: Lifetime = 24 * 3600  # how long a (uid, cid) is remembered
    recall_s: Live[WholeSeconds] = 120  # in which a sender may take a message back
    private: Live[Literal["anyone", "shared_group", "nobody"]] = "anyone"
    newcomers_see_history: Live[bool] = False
    open_groups: Live[bool] = True
    group_members: Live[Annotated[int, Meta(ge=1, le=5000)]] = 500
    groups_per_user: Live[Annotated[int, Meta(ge=1, le=5000)]] = 1000
    blocked_users: Live[Annotated[int, Meta(ge=1, le=5000)]] = 1000  # by one user


KeysUrl = Annotated[
    str,
    Meta(
        pattern=r"^$|^https://[^\s]+$|^http://(localhost|127\.0\.0\.1|\[::1\])(:[0-9]{1,5})?(/[^\s]*)?$",
        extra={"allowed": "https://HOST/PATH, http://… of this machine, or empty"},
    ),
]


class Auth(Section, frozen=True):
    """Tokens and guests."""

    algorithm: Literal["HS256", "RS256", "EdDSA"] = "HS256"
    secret: str = ""
    secret_file: str = ""
    public_key_file: str = ""
    private_key_file: str = ""
    jwks_url: KeysUrl = ""
    jwks_file: str = ""
    jwks_refresh_s: Annotated[float, Meta(ge=1, le=86_400)] = 300.0
    jwks_timeout_s: Annotated[float, Meta(ge=0.1, le=60)] = 5.0
    jwks_keep_s: Annotated[float, Meta(ge=0, le=86_400)] = 600.0
    guests: bool = True
    devices: Annotated[int, Meta(ge=1, le=1000)] = 32  # of one user, whose connections say which they are
    devices_full: Literal["replace", "refuse"] = "replace"
    access_ttl_s: Lifetime = 3600
    refresh_ttl_s: Lifetime = 30 * 24 * 3600


class Log(Section, frozen=True):
    """What is told on stderr."""

    level: Live[Literal["debug", "info", "warning", "error"]] = "info"
    format: Literal["text", "json"] = "text"
    slow_ms: Live[Annotated[int, Meta(ge=0, le=3_600_000)]] = 500  # what takes longer is told; 0: nothing is


class Tracing(Section, frozen=True):
    """What is followed from socket to sockets."""

    url: HttpUrl = ""  # where OTLP/HTTP is taken; empty: nothing is followed
    ratio: Live[Annotated[float, Meta(ge=0, le=1)]] = 0.001  # of comments and messages


class Settings(Section, frozen=True):
    """All sections."""

    edge: Edge = Edge()
    rooms: Rooms = Rooms()
    policy: Policy = Policy()
    events: Events = Events()
    review: Review = Review()
    chat: Chat = Chat()
    nats: Nats = Nats()
    store: Store = Store()
    auth: Auth = Auth()
    log: Log = Log()
    tracing: Tracing = Tracing()


class SettingsError(Exception):
    """A setting that cannot be used: where it comes from, its key, its value and what is allowed.

    told: all of that but where it comes from.
    """

    def __init__(self, source: str, key: str, value: object, allowed: str) -> None:
        self.source = source
        self.key = key
        self.value = value
        self.allowed = allowed
        shown = "" if value is None else f" = {_shown(key, value)}"
        self.told = f"{key}{shown}: {allowed}"
        super().__init__(f"{source}: {self.told}")


@dataclass(frozen=True, slots=True)
class Loaded:
    """Settings in force, and per key ("edge.port") where its value comes from."""

    settings: Settings
    origins: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Key:
    """What a setting is called, and what it may be."""

    section: str
    name: str
    type: Any

    def __str__(self) -> str:
        return f"{self.section}.{self.name}"

    @property
    def variable(self) -> str:
        return f"{PREFIX}{self.section}_{self.name}".upper()


def _keys() -> Iterator[Key]:
    for section in msgspec.structs.fields(Settings):
        for field in msgspec.structs.fields(section.type):
            yield Key(section.name, field.name, field.type)


KEYS: Final[Mapping[str, Key]] = {str(key): key for key in _keys()}
VARIABLES: Final[Mapping[str, Key]] = {key.variable: key for key in KEYS.values()}


def load(file: Path | None, environ: Mapping[str, str], flags: Mapping[str, object]) -> Settings:
    """The settings in force. `flags` is like {"edge.port": 8080}; None there means not given.

    Without `file` the one named by DANMAKU_CONFIG is read, if it is set. Raises SettingsError.
    """
    return load_with_origins(file, environ, flags).settings


def load_with_origins(file: Path | None, environ: Mapping[str, str], flags: Mapping[str, object]) -> Loaded:
    """As `load`, and where each value comes from. Raises SettingsError."""
    values: dict[str, object] = {}
    origins: dict[str, str] = {}
    if file is None and environ.get(CONFIG_VARIABLE):
        file = Path(environ[CONFIG_VARIABLE])
    layers: list[tuple[str, str, object]] = [*_from_file(DEFAULTS, DEFAULT)]
    if file is not None:
        layers += _from_file(file, str(file))
    layers += _from_environment(environ)
    layers += _from_flags(flags)
    for source, key, value in layers:
        values[key], origins[key] = value, source
    settings = built(values)
    check(settings, origins)
    return Loaded(settings, origins)


def to_environment(settings: Settings) -> dict[str, str]:
    """The variables from which `load` makes the same settings: how they are given to another process."""
    return {key.variable: _as_variable(value_of(settings, key)) for key in KEYS.values()}


def masked(settings: Settings) -> Settings:
    """The same, fit for printing: without secrets, and without what stands before the @ of a URL."""
    changes: dict[str, Section] = {}
    for section in msgspec.structs.fields(Settings):
        kept = getattr(settings, section.name)
        shown = {
            key.name: _hidden(str(key), value)
            for key in KEYS.values()
            if key.section == section.name and isinstance(value := getattr(kept, key.name), str)
        }
        changes[section.name] = msgspec.structs.replace(kept, **shown)
    return msgspec.structs.replace(settings, **changes)


def to_toml(loaded: Loaded) -> str:
    """The settings in force as TOML, each with a comment that says where it comes from; secrets masked."""
    shown = masked(loaded.settings)
    lines: list[str] = []
    section = ""
    for name, key in KEYS.items():
        if key.section != section:
            lines += ["", f"[{key.section}]"] if section else [f"[{key.section}]"]
            section = key.section
        lines.append(f"{key.name} = {as_toml(value_of(shown, key))}  # {loaded.origins[name]}")
    return "\n".join(lines) + "\n"


def _from_file(file: Path, source: str) -> Iterator[tuple[str, str, object]]:
    try:
        document = tomllib.loads(file.read_text())
    except OSError as error:
        raise SettingsError(str(file), "the file", None, f"cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(str(file), "the file", None, f"is not TOML: {error}") from error
    sections = Settings.__struct_fields__
    for section, table in document.items():
        if section not in sections:
            raise SettingsError(source, f"[{section}]", None, _unknown("section", section, sections))
        if not isinstance(table, dict):
            raise SettingsError(source, section, table, f"must be a section: [{section}]")
        for name, value in table.items():
            yield source, *checked(source, f"{section}.{name}", value, strict=True)


def _from_environment(environ: Mapping[str, str]) -> Iterator[tuple[str, str, object]]:
    for variable, text in environ.items():
        if not variable.startswith(PREFIX) or variable == CONFIG_VARIABLE or variable in CLIENT_VARIABLES:
            continue
        key = VARIABLES.get(variable)
        if key is None:
            raise SettingsError("environment", variable, None, _unknown("variable", variable, VARIABLES))
        value: object = text
        if is_list(key.type):
            value = [word.strip() for word in text.split(",") if word.strip()]
        yield variable, *checked(variable, str(key), value, strict=False)


def _from_flags(flags: Mapping[str, object]) -> Iterator[tuple[str, str, object]]:
    for key, value in flags.items():
        if value is not None:
            yield COMMAND_LINE, *checked(COMMAND_LINE, key, value, strict=True)


def checked(source: str, key: str, value: object, *, strict: bool) -> tuple[str, object]:
    """The key, and the value as what it is to be. Raises SettingsError."""
    check_known(source, key)
    kind = KEYS[key].type
    try:
        return key, msgspec.convert(value, kind, strict=strict)
    except msgspec.ValidationError:
        raise SettingsError(source, key, value, f"must be {allowed(key, kind)}") from None


def check_known(source: str, key: str) -> None:
    """Raises SettingsError, with a key that is much like it, where there is one."""
    if key not in KEYS:
        raise SettingsError(source, key, None, _unknown("key", key, KEYS))


def built(values: Mapping[str, object]) -> Settings:
    """Of good values of keys like "edge.port"; what is not there is as shipped."""
    tables: dict[str, dict[str, object]] = {}
    for key, value in values.items():
        section, _, name = key.partition(".")
        tables.setdefault(section, {})[name] = value
    return msgspec.convert(tables, Settings)


def check(settings: Settings, origins: Mapping[str, str]) -> None:
    """What they may not be together. Raises SettingsError; some key that it is about is no `default`."""
    _check_together(settings, origins)
    _check_engines(settings, origins)


def _check_together(settings: Settings, origins: Mapping[str, str]) -> None:
    """What only shows when two settings are seen side by side."""
    edge, rooms, auth = settings.edge, settings.rooms, settings.auth
    if bool(edge.tls_certificate) != bool(edge.tls_key):
        key = "edge.tls_certificate" if edge.tls_certificate else "edge.tls_key"
        rule = "give both edge.tls_certificate and edge.tls_key, or none of them"
        raise SettingsError(origins[key], key, None, rule)
    if edge.heartbeat_s >= edge.idle_s:
        key, rule = "edge.heartbeat_s", f"must be below edge.idle_s ({edge.idle_s})"
        raise SettingsError(_later(origins, key, "edge.idle_s"), key, edge.heartbeat_s, rule)
    if edge.buffered_bytes < edge.frame_bytes:
        key, rule = "edge.buffered_bytes", f"must be at least edge.frame_bytes ({edge.frame_bytes})"
        raise SettingsError(_later(origins, key, "edge.frame_bytes"), key, edge.buffered_bytes, rule)
    least = ceil(rooms.repeat_memory_s * 1000 / rooms.window_ms)
    if rooms.history_batches < least:
        key, window, memory = "rooms.history_batches", "rooms.window_ms", "rooms.repeat_memory_s"
        rule = f"must be at least {least}, which is {memory} / {window}"
        raise SettingsError(_later(origins, key, window, memory), key, rooms.history_batches, rule)
    if rooms.history_s < rooms.repeat_memory_s:
        key, rule = "rooms.history_s", f"must be at least rooms.repeat_memory_s ({rooms.repeat_memory_s})"
        raise SettingsError(_later(origins, key, "rooms.repeat_memory_s"), key, rooms.history_s, rule)
    review = settings.review
    if review.secret and review.secret_file:
        key, rule = "review.secret", "give either review.secret or review.secret_file, not both"
        raise SettingsError(_later(origins, key, "review.secret_file"), key, review.secret, rule)
    if review.url and not (review.secret or review.secret_file):
        rule = "needs review.secret or review.secret_file, with which what is asked is signed"
        raise SettingsError(origins["review.url"], "review.url", review.url, rule)
    given = [key for key in ("jwks_url", "jwks_file", "public_key_file") if getattr(auth, key)]
    if len(given) > 1:
        key, rule = f"auth.{given[0]}", f"give either auth.{given[0]} or auth.{given[1]}, not both"
        raise SettingsError(origins[key], key, getattr(auth, given[0]), rule)
    for key in ("jwks_url", "jwks_file"):
        if getattr(auth, key) and (auth.algorithm == "HS256" or auth.private_key_file):
            rule = "needs auth.algorithm RS256 or EdDSA, and no auth.private_key_file"
            raise SettingsError(origins[f"auth.{key}"], f"auth.{key}", getattr(auth, key), rule)
    if auth.secret and auth.secret_file:
        key, rule = "auth.secret", "give either auth.secret or auth.secret_file, not both"
        raise SettingsError(_later(origins, key, "auth.secret_file"), key, auth.secret, rule)


def _check_engines(settings: Settings, origins: Mapping[str, str]) -> None:
    for section, wrongs in (
        ("nats", wrong_with_nats(settings.nats)),
        ("store", wrong_with_store(settings.store)),
    ):
        for wrong in wrongs:
            others = [f"{section}.{other}" for other in wrong.others]
            value = value_of(settings, KEYS[wrong.key]) or None
            raise SettingsError(_later(origins, wrong.key, *others), wrong.key, value, wrong.rule)


def _later(origins: Mapping[str, str], *keys: str) -> str:
    """Where to look: the origin of the first of `keys` that was changed."""
    return next(origins[key] for key in keys if origins[key] != DEFAULT)


def _unknown(what: str, name: str, known: Iterable[str]) -> str:
    near = get_close_matches(name, list(known), n=1, cutoff=0.6)
    return f"there is no such {what}" + (f"; did you mean {near[0]}?" if near else "")


def value_of(settings: Settings, key: Key) -> object:
    value: object = getattr(getattr(settings, key.section), key.name)
    return value


def _as_variable(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return ",".join(value) if isinstance(value, list) else str(value)


def as_toml(value: object) -> str:
    """A value as it stands in a file."""
    return msgspec.json.encode(value).decode()  # what our values may be is written alike in both


def _shown(key: str, value: object) -> str:
    secret = isinstance(value, str) and (key in SECRETS or key.endswith(".url"))
    return _hidden(key, str(value)) if secret else repr(value)


def _hidden(key: str, value: str) -> str:
    if key in SECRETS:
        return MASK if value else ""
    return masked_url(value) if key.endswith(".url") else value
