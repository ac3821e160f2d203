"""The settings of a process that runs, read again where they come from, and given to its children."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import structlog

from config.handing import handed, remade, taken
from config.keys import SettingsError, as_toml, value_of
from config.live import LIVE, PassedOver, Running
from config.loading import Loaded

_log: Any = structlog.get_logger("danmaku.settings")


class Handing:
    """How children get the settings `loaded` and, at each `hand`, those of a file read again.

    environment, flags: for each child. Raises OSError, as `hand` does.
    """

    def __init__(self, loaded: Loaded, file: Path) -> None:
        self._file = file
        given = handed(loaded, file)
        self.environment: Mapping[str, str] = given.environment
        self.flags = given.flags
        self._text = given.text
        self._write(self._text)

    def hand(self, loaded: Loaded) -> None:
        """For children that read again, and those that are started from now on."""
        text = handed(loaded, self._file).text
        self._write(text)
        self._text = text

    def ensure(self) -> None:
        """The file is there for a child that is started again, though somebody tidied up. Never raises."""
        try:
            if not self._file.exists():
                self._write(self._text)
        except OSError as error:
            _log.error("children cannot be given their settings", error=str(error))

    def _write(self, text: str) -> None:
        """All at once: whoever reads meanwhile finds either."""
        self._file.parent.mkdir(mode=0o700, exist_ok=True)
        unfinished = self._file.with_suffix(".new")
        unfinished.write_text(text)
        unfinished.chmod(0o600)
        unfinished.replace(self._file)


class Rereading:
    """Has `running`, made of what was `loaded` at the start, go by what `read` reads, which may block.

    took: called with what was read, where something that can change while this runs is other than before: in
    a process whose children are to go by it. What is adjusted these know, and not the process itself.
    """

    def __init__(
        self,
        read: Callable[[], Loaded],
        loaded: Loaded,
        running: Running,
        took: Callable[[Loaded], None] | None = None,
    ) -> None:
        self._read = read
        self._loaded = loaded
        self._first = loaded.settings
        self._made = running.base
        self._running = running
        self._took = took

    @asynccontextmanager
    async def follow(self, asked: asyncio.Event) -> AsyncIterator[None]:
        """While the block lasts, read each time `asked` is set; and once at first, for what changed since the
        start when nobody could ask. What is wrong with what is read is told, and nothing changes; what waits
        for a restart is told, and all else changes.
        """
        following = asyncio.create_task(self._follow(asked), name="settings")
        try:
            yield
        finally:
            following.cancel()
            await asyncio.wait([following])

    async def _follow(self, asked: asyncio.Event) -> None:
        await self._reread(say=False)
        while True:
            await asked.wait()
            asked.clear()
            await self._reread(say=True)

    async def _reread(self, *, say: bool) -> None:
        try:
            read = await asyncio.to_thread(self._read)
        except (SettingsError, OSError) as error:
            _log.error("settings stay as they are", error=str(error))
            return
        base = remade(read.settings, self._first, self._made)
        waiting, passed_over = self._running.reread(base, read.origins)
        found = taken(read, self._loaded, waiting)
        changed = [key for key in LIVE if _said(found, key) != _said(self._loaded, key)]
        try:
            if changed and self._took is not None:
                self._took(found)
        except OSError as error:  # asked again, it tries again
            _log.error("children have the former settings, and only they", error=str(error))
            return
        self._loaded = found
        if say or changed or waiting:
            self._tell(changed, waiting, passed_over)

    def _tell(self, changed: list[str], waiting: list[str], passed_over: PassedOver) -> None:
        base, settings, adjusted = self._running.base, self._running.settings, self._running.values
        done = "changed" if self._took is None else "handed_on"
        new = {key: f"{key} = {as_toml(value_of(base, LIVE[key]))}" for key in changed}
        above = {key: as_toml(value_of(settings, LIVE[key])) for key in changed if key in adjusted}
        said = {
            done: [text for key, text in new.items() if key not in above],
            "waits_for_restart": waiting,
            "adjusted_above": [f"{new[key]} is passed over for {value}" for key, value in above.items()],
            "adjusted_in_vain": [error.told for error in passed_over.values()],
        }
        words = {name: ", ".join(found) for name, found in said.items() if found}
        tell = _log.info if words.keys() <= {done} else _log.warning
        tell("settings were read again", **(words or {done: "nothing"}))


def _said(loaded: Loaded, key: str) -> tuple[object, str]:
    return value_of(loaded.settings, LIVE[key]), loaded.origins[key]
