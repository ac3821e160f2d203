"""Where a service is, and how to reach it from its own machine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from urllib.parse import urljoin, urlsplit

PAGES: Final = "", "chat", "console", "docs", "overlay", "studio"
"""What pages of a service are called; that of viewers has no name."""

FILES: Final = frozenset(
    f"{folder}/index.html" for folder in ("chat", "console", "docs", "obs", "studio", "viewer")
)
"""What they are in, which may be asked for as well."""

_LOOPBACK: Final = {"0.0.0.0": "127.0.0.1", "::": "::1", "localhost": "127.0.0.1"}  # noqa: S104  compared only


@dataclass(frozen=True, slots=True)
class Address:
    """Where a service listens, and how to reach it from this machine."""

    host: str
    port: int
    tls: bool = False

    @property
    def dialled(self) -> str:
        """The host as this machine connects to it."""
        return _LOOPBACK.get(self.host, self.host)

    @property
    def http(self) -> str:
        return f"http{self._s}://{in_url(self.dialled)}:{self.port}"

    @property
    def page(self) -> str:
        """The page of viewers, as people like to see its address."""
        return f"http{self._s}://{self._shown}/"

    @property
    def socket(self) -> str:
        return f"ws{self._s}://{self._shown}/v1/ws"

    @property
    def _shown(self) -> str:
        local = self.dialled in _LOOPBACK.values()
        return f"{'localhost' if local else in_url(self.host)}:{self.port}"

    @property
    def _s(self) -> str:
        return "s" if self.tls else ""


def page_address(service: str, page: str) -> str:
    """Where a page of the service is: `page` is its name, a path, or the whole address; a query stays.

    Raises ValueError where it is no address of a page, or has a fragment already.
    """
    address = urljoin(service.rstrip("/") + "/", page).replace(" ", "%20")  # or it would end there
    parts = urlsplit(address)
    if parts.scheme not in {"http", "https"} or not parts.netloc or "#" in address:
        raise ValueError(f"{page!r} is not the address of a page")
    return address


def is_page(service: str, address: str) -> bool:
    """Whether a page of the service is at this address, as `page_address` makes it.

    Of what is elsewhere nobody here knows; a host is the same in capitals. With a slash behind its name an
    edge leads to the page.
    """
    base, parts = urlsplit(service.rstrip("/") + "/"), urlsplit(address)
    same_host = (parts.scheme, parts.netloc.lower()) == (base.scheme, base.netloc.lower())
    if not same_host or not parts.path.startswith(base.path):
        return True
    name = parts.path.removeprefix(base.path)
    return name.removesuffix("/") in PAGES or name in FILES


def in_url(host: str) -> str:
    """A host as it stands in an address: an IPv6 one in brackets."""
    return f"[{host}]" if ":" in host else host
