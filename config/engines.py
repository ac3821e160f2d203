"""The sections of the bus and the store: where they are, and how one is let in."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated, Literal, NamedTuple
from urllib.parse import urlsplit

from msgspec import Meta

from config.types import Deadline, Prefix, Section

NatsUrl = Annotated[
    str,
    Meta(
        pattern=r"^$|^(nats|tls|ws|wss)://[^\s]+(,\s*[^\s]+)*$",
        extra={"allowed": "nats://HOST:PORT or tls://… (several separated by commas), or empty"},
    ),
]
StoreUrl = Annotated[
    str,
    Meta(
        pattern=r"^$|^(redis|rediss|unix)://[^\s]+(,\s*[^\s]+)*$",
        extra={
            "allowed": "redis://HOST:PORT/DB, rediss://… or unix:///PATH "
            "(of sentinels or a cluster several, separated by commas), or empty"
        },
    ),
]


class Nats(Section, frozen=True):
    """The bus."""

    url: NatsUrl = ""  # empty: `danmaku up` starts its own
    prefix: Prefix = "danmaku"
    timeout_s: Deadline = 5.0
    user: str = ""
    password: str = ""
    password_file: str = ""
    token: str = ""
    token_file: str = ""
    nkey_file: str = ""  # a seed
    credentials_file: str = ""  # what `nsc` makes: a JWT and a seed
    ca_file: str = ""
    certificate_file: str = ""
    key_file: str = ""


class Store(Section, frozen=True):
    """The store: Valkey or Redis."""

    url: StoreUrl = ""  # empty: `danmaku up` starts its own
    kind: Literal["single", "sentinel", "cluster"] = "single"
    master: Prefix = "danmaku"  # what the sentinels call the set of servers
    prefix: Prefix = "danmaku"
    timeout_s: Deadline = 3.0
    replicas: Annotated[int, Meta(ge=0, le=100)] = 0  # that have what was said before it is acknowledged
    user: str = ""
    password: str = ""
    password_file: str = ""
    sentinel_user: str = ""
    sentinel_password: str = ""
    sentinel_password_file: str = ""
    ca_file: str = ""
    certificate_file: str = ""
    key_file: str = ""


class Wrong(NamedTuple):
    """What cannot be: a key, what is allowed, and the keys for which it is not."""

    key: str
    rule: str
    others: tuple[str, ...] = ()


def urls(url: str) -> list[str]:
    """The URLs of several servers, separated by commas."""
    return [one.strip() for one in re.split(r",(?=\s*[a-z]+://)", url) if one.strip()]


def wrong_with_nats(nats: Nats) -> Iterator[Wrong]:
    """What only shows when two of its settings are seen side by side."""
    ways = [
        [key for key in ("user", "password", "password_file") if getattr(nats, key)],
        [key for key in ("token", "token_file") if getattr(nats, key)],
        [key for key in ("nkey_file",) if getattr(nats, key)],
        [key for key in ("credentials_file",) if getattr(nats, key)],
    ]
    given = [way for way in ways if way]
    yield from _useless(nats, "nats", [key for way in given for key in way])
    if len(given) > 1:
        first, second = given[0][0], given[1][0]
        yield Wrong(f"nats.{second}", f"there is nats.{first} already: give one way to log in", (first,))
    yield from _secrets(nats, "nats", ("password", "token"))
    if (nats.password or nats.password_file) and not nats.user:
        yield Wrong("nats.user", "must be given with a password", ("password", "password_file"))
    yield from _twice(nats, "nats", [key for way in given for key in way])
    schemes = {urlsplit(one).scheme for one in urls(nats.url)}
    if not (schemes <= {"nats", "tls"} or schemes <= {"ws", "wss"}):
        yield Wrong("nats.url", "must all be nats:// or tls://, or all be ws:// or wss://")
    yield from _tls(nats, "nats", ("tls", "wss"))


def wrong_with_store(store: Store) -> Iterator[Wrong]:
    """What only shows when two of its settings are seen side by side."""
    sentinel = "sentinel_user", "sentinel_password", "sentinel_password_file"
    given = [key for key in ("user", "password", "password_file", *sentinel) if getattr(store, key)]
    if store.kind != "single":
        given.append("kind")
    yield from _useless(store, "store", given)
    yield from _secrets(store, "store", ("password", "sentinel_password"))
    yield from _twice(store, "store", [key for key in given if key in ("user", "password", "password_file")])
    if store.user and not (store.password or store.password_file):
        yield Wrong("store.password", "must be given with store.user", ("user",))
    if store.sentinel_user and not (store.sentinel_password or store.sentinel_password_file):
        yield Wrong("store.sentinel_password", "must be given with store.sentinel_user", ("sentinel_user",))
    for key in sentinel:
        if getattr(store, key) and store.kind != "sentinel":
            yield Wrong(f"store.{key}", "is for sentinels: store.kind must be sentinel", ("kind",))
    yield from _tls(store, "store", ("rediss",))
    yield from _of_kind(store)


def _of_kind(store: Store) -> Iterator[Wrong]:
    several = urls(store.url)
    schemes = {urlsplit(one).scheme for one in several}
    if store.kind == "single":
        if len(several) > 1:
            rule = "several servers are sentinels or a cluster: set store.kind"
            yield Wrong("store.url", rule, ("kind",))
        return
    if "unix" in schemes:
        yield Wrong(
            "store.url", f"must be redis:// or rediss:// URLs where store.kind is {store.kind}", ("kind",)
        )
    if len(schemes) > 1:
        yield Wrong("store.url", "must all be redis:// or all be rediss://")
    if len({_all_but_host(one) for one in several}) > 1:
        yield Wrong("store.url", "must differ in nothing but host and port")
    if store.kind == "cluster" and any(urlsplit(one).path.strip("/0") for one in several):
        yield Wrong("store.url", "a cluster has no database but 0", ("kind",))


def _all_but_host(url: str) -> tuple[str, ...]:
    parts = urlsplit(url)
    return parts.username or "", parts.password or "", parts.path.strip("/"), parts.query


def _useless(section: Nats | Store, name: str, given: list[str]) -> Iterator[Wrong]:
    files = [key for key in ("ca_file", "certificate_file", "key_file") if getattr(section, key)]
    for key in (*given, *files) if not section.url else ():
        yield Wrong(f"{name}.{key}", f"is of no use without {name}.url", ("url",))


def _twice(section: Nats | Store, name: str, given: list[str]) -> Iterator[Wrong]:
    if given and any(urlsplit(one).username or urlsplit(one).password for one in urls(section.url)):
        yield Wrong(f"{name}.{given[0]}", f"there is a login in {name}.url already", ("url",))


def _secrets(section: Nats | Store, name: str, keys: tuple[str, ...]) -> Iterator[Wrong]:
    for key in keys:
        if getattr(section, key) and getattr(section, f"{key}_file"):
            rule = f"give either {name}.{key} or {name}.{key}_file, not both"
            yield Wrong(f"{name}.{key}", rule, (f"{key}_file",))


def _tls(section: Nats | Store, name: str, schemes: tuple[str, ...]) -> Iterator[Wrong]:
    if section.key_file and not section.certificate_file:
        yield Wrong(f"{name}.certificate_file", f"must be given with {name}.key_file", ("key_file",))
    if section.certificate_file and not section.key_file:
        yield Wrong(f"{name}.key_file", f"must be given with {name}.certificate_file", ("certificate_file",))
    plain = [one for one in urls(section.url) if urlsplit(one).scheme not in schemes]
    for key in ("ca_file", "certificate_file"):
        if getattr(section, key) and plain:
            rule = f"needs {schemes[0]}:// in all of {name}.url"
            yield Wrong(f"{name}.{key}", rule, ("url",))
