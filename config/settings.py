"""Typed settings, section by section. Each component gets its own section in its constructor.

Precedence: the shipped `default.toml` < a TOML file < environment `DANMAKU_<SECTION>_<KEY>` < CLI flags.
"""

from __future__ import annotations

import msgspec


class Section(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One table of the TOML file."""


class Edge(Section, frozen=True):
    """Sockets and HTTP of an edge node."""

    host: str = "0.0.0.0"  # noqa: S104  a server for viewers listens everywhere unless told otherwise
    port: int = 8080
    workers: int = 0  # 0: cores - 1, at least 1
    addresses: list[str] = []  # what GET /v1/edges tells; empty: derived from the request's Host
    origins: list[str] = ["*"]
    cors: list[str] = ["*"]
    trusted_proxies: list[str] = []
    drain_s: float = 10.0
    hello_s: float = 5.0
    heartbeat_s: float = 25.0
    idle_s: int = 60
    frame_bytes: int = 16 * 1024
    body_bytes: int = 256 * 1024
    buffered_bytes: int = 256 * 1024
    connections: int = 15_000
    connections_per_address: int = 0  # 0: no limit
    frames_per_s: float = 20.0
    frames_burst: int = 60
    rooms_per_connection: int = 16
    gather_ms: float = 5.0
    linger_s: float = 5.0
    ring_batches: int = 300
    ring_bytes: int = 1024 * 1024
    request_s: float = 5.0


class Rooms(Section, frozen=True):
    """Owners of rooms."""

    window_ms: float = 50.0
    batch_items: int = 200
    batch_bytes: int = 64 * 1024
    lease_ms: int = 3000
    join_history: int = 50
    history_batches: int = 300
    history_s: int = 600
    repeat_memory_s: int = 120  # how long a (uid, cid) is remembered
    idle_s: int = 60  # a room without viewers or comments this long leaves memory
    queue_items: int = 20_000  # comments waiting in one process; beyond it they are refused
    auto_create: bool = True  # the first join or comment makes a room


class Policy(Section, frozen=True):
    """What a room allows unless its own settings say otherwise."""

    max_length: int = 100
    guests_may_send: bool = True
    user_burst: int = 5
    user_count: int = 20
    user_per_s: float = 30.0
    guest_burst: int = 3
    guest_count: int = 10
    guest_per_s: float = 30.0
    slow_s: int = 0
    repeat_s: int = 5
    display_per_s: int = 40
    display_high_per_s: int = 10


class Nats(Section, frozen=True):
    url: str = ""  # empty: `danmaku up` starts its own
    prefix: str = "danmaku"
    timeout_s: float = 5.0


class Store(Section, frozen=True):
    url: str = ""  # empty: `danmaku up` starts its own
    prefix: str = "danmaku"
    timeout_s: float = 3.0


class Auth(Section, frozen=True):
    algorithm: str = "HS256"
    secret: str = ""
    secret_file: str = ""
    public_key_file: str = ""
    private_key_file: str = ""
    guests: bool = True
    access_ttl_s: int = 3600
    refresh_ttl_s: int = 30 * 24 * 3600


class Log(Section, frozen=True):
    level: str = "info"
    format: str = "text"  # text or json


class Settings(Section, frozen=True):
    edge: Edge = Edge()
    rooms: Rooms = Rooms()
    policy: Policy = Policy()
    nats: Nats = Nats()
    store: Store = Store()
    auth: Auth = Auth()
    log: Log = Log()
