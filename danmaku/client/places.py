"""Where a client connects, and where next when it cannot stay there. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

_MOST_TOLD: Final = 64  # a service may have more edges: more than that nobody tries


class Places:
    """Sockets of one service, by their URLs; they are tried in turn, and never one twice in a row.

    Raises ValueError where `given` has none.
    """

    def __init__(self, given: Sequence[str]) -> None:
        if not given:
            raise ValueError("a client needs the address of a service")
        self._given = list(dict.fromkeys(given))
        self._order = list(self._given)
        self.current = self._order[0]
        self._began = False

    def __len__(self) -> int:
        """How many there are to try."""
        return len(self._order)

    def to_ask(self, most: int) -> list[str]:
        """Who may know where to go: those not here first, as what is here may be gone."""
        if not self._began:
            return self._order[:most]
        return [*self._others(), self.current][:most]

    def told(self, urls: Iterable[str]) -> None:
        """What the service says is to be tried, in this order; what was given is never forgotten.

        Of a service that was given with TLS, no place without it.
        """
        needs_tls = all(url.startswith("wss:") for url in self._given)
        fitting = [url for url in urls if url.startswith("wss:" if needs_tls else ("ws:", "wss:"))]
        self._order = list(dict.fromkeys([*fitting[:_MOST_TOLD], *self._given]))

    def move(self) -> str:
        """The next one: another than now, where there is any."""
        others = self._others() if self._began else self._order
        self._began = True
        if others:
            self.current = others[0]
            self._order = [url for url in self._order if url != self.current] + [self.current]
        return self.current

    def _others(self) -> list[str]:
        return [url for url in self._order if url != self.current]
