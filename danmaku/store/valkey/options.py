"""How to connect to servers of the store and to sentinels, by what settings say."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from redis.asyncio.connection import SSLConnection, parse_url
from redis.asyncio.retry import Retry
from redis.asyncio.sentinel import Sentinel
from redis.backoff import NoBackoff
from redis.credentials import CredentialProvider

from config.engines import urls
from config.settings import Store
from danmaku.calls import STORE
from danmaku.login import secret, tls

Address = tuple[str, int]
Options = dict[str, Any]

_PORT: Final = 6379
_SENTINEL_PORT: Final = 26379


def sentinels(settings: Store) -> Sentinel:
    """The sentinels of the URL; to be closed. Raises as `servers`."""
    addresses = [address_of(url, settings) for url in urls(settings.url)]
    own = {**_sentinel_options(settings), **patience(settings.timeout_s)}
    return Sentinel(addresses, sentinel_kwargs=own)  # type: ignore[no-untyped-call]  # it has no types


class _Password(CredentialProvider):
    """Reads the file anew for each connection, so that a password can be changed."""

    def __init__(self, key: str, user: str, password: str, file: str) -> None:
        self._key = key
        self._user = user
        self._password = password
        self._file = file
        self.get_credentials()

    def get_credentials(self) -> tuple[str] | tuple[str, str]:
        """Raises LoginError."""
        word = secret(self._key, self._password, self._file)
        return (self._user, word) if self._user else (word,)

    async def get_credentials_async(self) -> tuple[str] | tuple[str, str]:
        return self.get_credentials()


def options_of(settings: Store) -> Options:
    """How to connect to any of the servers."""
    files = settings.ca_file, settings.certificate_file, settings.key_file
    tls("store", *files)  # what is wrong with them is better said now
    options: Options = {**parse_url(urls(settings.url)[0])}
    if settings.password or settings.password_file:
        words = settings.user, settings.password, settings.password_file
        options["credential_provider"] = _Password("store.password", *words)
    if options.get("connection_class") is SSLConnection:
        options |= dict(_files(settings))
    if settings.kind != "single":
        options = {key: value for key, value in options.items() if key not in ("host", "port")}
    return options


def _files(settings: Store) -> Iterator[tuple[str, str]]:
    for name, file in (
        ("ssl_ca_certs", settings.ca_file),
        ("ssl_certfile", settings.certificate_file),
        ("ssl_keyfile", settings.key_file),
    ):
        if file:
            yield name, file


def _sentinel_options(settings: Store) -> Options:
    """How to connect to sentinels."""
    own: Options = {}
    if parse_url(urls(settings.url)[0]).get("connection_class") is SSLConnection:
        own = {"ssl": True, **dict(_files(settings))}
    if settings.sentinel_password or settings.sentinel_password_file:
        words = settings.sentinel_user, settings.sentinel_password, settings.sentinel_password_file
        own["credential_provider"] = _Password("store.sentinel_password", *words)
    return own


def patience(timeout_s: float) -> Options:
    """How long one server has that is asked where the others are. It is asked once: then the next one is."""
    for_one = timeout_s * STORE.look
    return {"socket_timeout": for_one, "socket_connect_timeout": for_one, "retry": Retry(NoBackoff(), 0)}


def address_of(url: str, settings: Store) -> Address:
    """Where the URL leads to."""
    options = parse_url(url)
    port = _SENTINEL_PORT if settings.kind == "sentinel" else _PORT
    return options.get("host", "localhost"), options.get("port", port)
