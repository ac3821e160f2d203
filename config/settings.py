"""The typed settings, section by section. Each component gets its own section in its constructor.

What each key means is told in `default.toml`; what it may be is told here, once, by its type.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from config.engines import Nats as Nats
from config.engines import Store as Store
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
