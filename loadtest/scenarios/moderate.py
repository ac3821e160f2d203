"""`moderate`: how soon an act of a moderator is felt."""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any, Final

import typer

from danmaku import wire
from loadtest import options
from loadtest.acting import Moderator, Talker, talker
from loadtest.crowd import Crowd, crowd
from loadtest.figures import Result, total
from loadtest.load import hot_room
from loadtest.measurement import join
from loadtest.processes import Family
from loadtest.scenario import OnService, room_for
from loadtest.scenarios.rules import listed
from loadtest.service import Service
from loadtest.view import View

_ROOM: Final = "hot"
_WORDS: Final = "/v1/admin/words"
_LETTERS: Final = str.maketrans("0123456789", "bcdfghjkmn")
_EVERYBODY_S: Final = 10.0
_POLL_S: Final = 0.02


@dataclass(frozen=True, slots=True)
class Moderate(OnService):
    """How soon a mute or a list of words silences somebody who talks without a pause, and a recall reaches
    every viewer.

    All count from when the moderator's call began: until the first comment is refused, and until the last
    viewer has the recall of one that was shown. The list is one for all rooms.

    Example: python -m loadtest moderate --viewers 2000 --workers 2
    """

    viewers: options.Viewers = 2000
    acts: Annotated[int, typer.Option(min=1, help="How often each is done.")] = 20
    words: Annotated[int, typer.Option(min=1, max=50_000, help="Entries of the list of words.")] = 1000
    processes: options.Processes = 1
    workers: options.Workers = 2
    subprotocol: options.Sub = options.Subprotocol.MSGPACK

    @property
    def role(self) -> str:
        return "admin"

    def settings(self) -> dict[str, str]:
        return room_for(self.viewers)

    async def run(self, service: Service, view: View) -> Result:
        moderator = Moderator(service)
        load = hot_room(_ROOM, self.viewers, 0, protocol=self.subprotocol.protocol, processes=self.processes)
        muted, worded, recalled = [], [], []
        async with crowd(service.host, service.port, load.audience()) as people:
            joining = await join(people, self.viewers, Family(service.pid), view)
            view.phase("acts", self.acts)
            for number in range(self.acts):
                uid = f"talker-{number}-{time.time_ns()}"
                async with talker(service, await moderator.token({"uid": uid}), _ROOM) as one:
                    recalled.append(await self._recall(moderator, one, people))
                    worded.append(await self._list(moderator, one, number))
                    muted.append(await self._mute(moderator, one, uid))
                view.say(
                    f"muted after {muted[-1]:.0f} ms, by words after {worded[-1]:.0f} ms, "
                    f"recalled everywhere after {recalled[-1]:.0f} ms"
                )
            await moderator.call("PUT", _WORDS, {})
            tallies = await people.take()
        wrong = total(tallies, ("duplicates", "misdirected", "gaps"))
        return {
            **joining,
            "acts": self.acts,
            "duplicates": wrong["duplicates"],
            "misdirected": wrong["misdirected"],
            "out_of_order": wrong["gaps"],
            "muted_ms": _figures(muted),
            "words_ms": _figures(worded),
            "recalled_ms": _figures(recalled),
        }

    async def _mute(self, moderator: Moderator, one: Talker, uid: str) -> float:
        """Milliseconds from the call to the first refusal."""
        body = {"uid": uid, "reason": "load test"}
        call = partial(moderator.timed, "POST", f"/v1/admin/rooms/{_ROOM}/mutes", body)
        return await _silenced(one, "hello", call, "muted")

    async def _list(self, moderator: Moderator, one: Talker, number: int) -> float:
        """The same of a list that holds what is said."""
        word = f"blocked{number:04}".translate(_LETTERS)
        call = partial(moderator.timed, "PUT", _WORDS, {"refuse": [word, *listed(self.words - 1)]})
        return await _silenced(one, word, call, "blocked_words")

    async def _recall(self, moderator: Moderator, one: Talker, people: Crowd) -> float:
        """Milliseconds from the call to when the last viewer has it."""
        answer = await one.say("hello")
        if not isinstance(answer, wire.Ok) or answer.seq is None:
            raise ConnectionError(f"a comment was not shown: {answer}")
        await people.take()
        path = f"/v1/admin/rooms/{_ROOM}/messages/{answer.epoch}-{answer.seq}"
        begin = await moderator.timed("DELETE", path)
        came, last_ns = 0, 0
        async with asyncio.timeout(_EVERYBODY_S):
            while came < self.viewers:
                await asyncio.sleep(_POLL_S)
                tallies = await people.take()
                came += total(tallies, ("recalls",))["recalls"]
                last_ns = max(last_ns, *(tally["recalled_ns"] for tally in tallies))
        return (last_ns - begin) / 1e6


async def _silenced(one: Talker, text: str, call: Callable[[], Awaitable[int]], refusal: str) -> float:
    """Milliseconds from the call to the first refusal of `text`, which is said all the time."""
    refused = asyncio.create_task(one.refused(text))
    try:
        begin = await call()
        name = await refused
    finally:
        refused.cancel()
    if name != refusal:
        raise ConnectionError(f"a comment was refused with {name}, not with {refusal}")
    return (time.time_ns() - begin) / 1e6


def _figures(milliseconds: list[float]) -> dict[str, Any]:
    return {"median": statistics.median(milliseconds), "max": max(milliseconds)}
