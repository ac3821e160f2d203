"""What a scenario is: its fields are its options, its docstring is its help, `measure` does it."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from urllib.parse import urlsplit

import typer

from config.settings import Rooms
from loadtest.figures import Result
from loadtest.options import Target
from loadtest.service import Service, own_service
from loadtest.view import View


class Scenario(ABC):
    """A frozen dataclass, each field of it an option of `loadtest.options`."""

    __slots__ = ()

    @abstractmethod
    async def measure(self, target: Target, view: View) -> Result:
        """The figures under stable keys. Raises ConnectionError, NoCompiler, ServiceFailed."""


class OnService(Scenario):
    """One that puts load on a service: the one at --url, or one of its own."""

    __slots__ = ()

    @property
    def workers(self) -> int:
        """Edge workers of a service of its own."""
        return 1

    @property
    def rooms_processes(self) -> int:
        """Rooms processes of a service of its own."""
        return 1

    @property
    def role(self) -> str:
        """Of whom the token is with which it is done."""
        return "viewer"

    @abstractmethod
    async def run(self, service: Service, view: View) -> Result:
        """As `measure`."""

    def settings(self) -> dict[str, str]:
        """Environment of a service of our own."""
        return {}

    async def measure(self, target: Target, view: View) -> Result:
        if target.url:
            return await self.run(_given(target, self.role), view)
        view.phase("starting a service")
        async with own_service(self.settings(), self.workers, self.role, self.rooms_processes) as service:
            return await self.run(service, view)


def _given(target: Target, role: str) -> Service:
    parts = urlsplit(target.url)
    if parts.scheme != "http" or not parts.hostname:
        raise typer.BadParameter(f"--url is http://host:port, not {target.url!r}")
    if not target.token:
        raise typer.BadParameter(
            f"--url needs --token, of a user with the role {role} who may say --rate of them a second there"
        )
    return Service(parts.hostname, parts.port or 80, target.token)


def room_for(viewers: int) -> dict[str, str]:
    """The setting by which one worker takes so many viewers."""
    return {"DANMAKU_EDGE_CONNECTIONS": str(max(15_000, viewers + 1000))}


def shown_by(display: int, payload: int, window_ms: float) -> dict[str, str]:
    """Settings by which a room shows comments of that size, so many a second, in batches of that window."""
    return {
        "DANMAKU_POLICY_DISPLAY_PER_S": str(display),
        "DANMAKU_POLICY_MAX_LENGTH": str(min(max(100, payload), 10_000)),
        "DANMAKU_ROOMS_WINDOW_MS": str(window_ms),
        # history has to reach as far back as repeats are known
        "DANMAKU_ROOMS_HISTORY_BATCHES": str(
            max(Rooms().history_batches, math.ceil(Rooms().repeat_memory_s * 1000 / window_ms))
        ),
    }
