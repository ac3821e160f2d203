"""Who watches, sends, chats and moderates in one run, and what they wrote down."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from contextlib import AsyncExitStack, suppress
from typing import Any, Final

from danmaku.model import Role
from tests.faults.judge import Acts, Heard, asserted, forgotten, interleaved, silences, used_twice
from tests.faults.whole import SeveralFleet, SingleFleet
from tests.system.checker import Acknowledged, Report, check, history_in
from tests.system.clients import Line, Sender, Viewer
from tests.system.deployment import call
from tests.system.devices import Device, read_back, until_all_saw
from tests.system.devices import call as chat_call
from tests.system.devices import check as check_chat
from tests.system.follower import Frame

ROOMS: Final = [f"room-{number}" for number in range(6)]
COURT: Final = "court"
TEAM: Final = "g:team"
_VIEWERS, _SENDERS, _PAIRS = 12, 3, 3
_PER_S: Final = 8.0  # comments of each sender
_CHAT_EVERY_S: Final = 0.25
_ACT_EVERY_S: Final = 0.5
_TAKEN_S: Final = 60.0  # everything is, so long after the load at the very most
_CAUGHT_UP_S: Final = 20.0
_TICK_S: Final = 0.05
_PULSE_S: Final = 1.0
_MOST_WRONG: Final = 5


class Watcher(Viewer):
    """A viewer that also writes down every frame as it came."""

    def __init__(self, name: str, kind: str, urls: list[str]) -> None:
        super().__init__(name, kind, urls, ROOMS)
        self.heard: list[Heard] = []
        self._connection = 0
        self._heard_on: Line | None = None

    def _heard(self, tasks: asyncio.TaskGroup, line: Line, frame: Frame) -> None:
        if line is not self._heard_on:
            self._heard_on = line
            self._connection += 1
        if "room" in frame:
            first, texts = None, ()
            if frame["t"] == "batch":
                first = frame["epoch"], frame["seq"]
                texts = tuple(item.get("text", "") for item in frame["items"])
            self.heard.append(Heard(time.monotonic(), self._connection, frame["room"], first, texts))
        super()._heard(tasks, line, frame)


class Http:
    """Calls of an admin, each until it is done. wrong: answers that no fault explains."""

    def __init__(self, whole: SingleFleet | SeveralFleet) -> None:
        self.wrong: list[str] = []
        self._urls = [edge.url for edge in whole.edges]
        self._token = whole.token("judge", Role.ADMIN)

    async def until_done(self, method: str, path: str, body: Any = None) -> Any:
        """At one edge after the other."""
        turn = 0
        while True:
            url = self._urls[turn % len(self._urls)] + path
            turn += 1
            try:
                status, answer = await asyncio.to_thread(call, method, url, body, self._token)
            except OSError:
                status, answer = 0, None
            if status == 200:
                return answer
            if status not in (0, 503, 504) and len(self.wrong) < _MOST_WRONG:
                self.wrong.append(f"{method} {path} was answered {status}: {answer}")
            await asyncio.sleep(0.2)


class Pulse:
    """A comment a second in each room until the end, so that nobody who hears nothing does so rightly."""

    def __init__(self, http: Http) -> None:
        self.acknowledged: list[Acknowledged] = []
        self._http = http
        self._stopped = asyncio.Event()
        self._beating: list[asyncio.Task[None]] = []

    def begin(self) -> None:
        self._beating = [asyncio.create_task(self._beat(room)) for room in ROOMS]

    async def end(self) -> float:
        """Return when the last is acknowledged; when it was told to end, monotonic."""
        ended_s = time.monotonic()
        self._stopped.set()
        async with asyncio.timeout(_TAKEN_S):
            await asyncio.gather(*self._beating)
        return ended_s

    def abandon(self) -> None:
        """Where the run broke down."""
        for task in self._beating:
            task.cancel()

    async def _beat(self, room: str) -> None:
        number = 0
        while not self._stopped.is_set():
            number += 1
            text = f"pulse {room} {number}"
            body = {"kind": "comment", "text": text, "cid": f"pulse-{room}-{number}"}
            said = await self._http.until_done("POST", f"/v1/rooms/{room}/messages", body)
            self.acknowledged.append(Acknowledged(room, (said["epoch"], said["seq"]), text))
            with suppress(TimeoutError):
                async with asyncio.timeout(_PULSE_S):
                    await self._stopped.wait()


class Moderator:
    """Mutes somebody, or says something and takes it back, in a room of its own; each until it is done."""

    def __init__(self, http: Http) -> None:
        self.acts = Acts(COURT)
        self._http = http

    async def act(self, seconds: float) -> None:
        end, number = time.monotonic() + seconds, 0
        await self._http.until_done("PUT", f"/v1/rooms/{COURT}", {"title": "Court"})
        while time.monotonic() < end:
            number += 1
            if number % 2:
                await self._http.until_done("POST", f"/v1/admin/rooms/{COURT}/mutes", {"uid": f"m{number}"})
                self.acts.muted.add(f"m{number}")
            else:
                await self._say_and_recall(f"theft {number}")
            await asyncio.sleep(_ACT_EVERY_S)

    async def hold(self) -> list[str]:
        """What of the acts does not hold in the end."""
        base = f"/v1/admin/rooms/{COURT}"
        in_force = await self._pages(f"{base}/sanctions?limit=100", "sanctions")
        record = await self._pages(f"{base}/audit?limit=100", "entries")
        kept = await self._http.until_done("GET", f"/v1/rooms/{COURT}/messages?epoch=0&seq=0&limit=1000")
        served = {item.get("text", "") for batch in kept["history"] for item in batch["items"]}
        recorded = {(one["verb"], one["uid"]) for one in record}
        return [*forgotten(self.acts, {one["uid"] for one in in_force}, recorded, served), *self._http.wrong]

    async def _say_and_recall(self, text: str) -> None:
        body = {"kind": "announce", "text": text, "cid": text.replace(" ", "-")}
        said = await self._http.until_done("POST", f"/v1/rooms/{COURT}/messages", body)
        position = f"{said['epoch']}-{said['seq']}"
        await self._http.until_done("DELETE", f"/v1/admin/rooms/{COURT}/messages/{position}")
        self.acts.recalled.add(text)

    async def _pages(self, path: str, what: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        after = ""
        while True:
            page = await self._http.until_done("GET", path + (f"&after={after}" if after else ""))
            found += page[what]
            if not page[what] or not page["after"] or page["after"] == after:
                return found
            after = page["after"]


class People:
    """late_s: how late this process was at worst; what it measures may be as much too long."""

    def __init__(self, whole: SingleFleet | SeveralFleet) -> None:
        self._whole = whole
        here, there = whole.edges
        urls = [here.ws, there.ws]
        self.viewers = [
            Watcher(f"v{n}", ("msgpack", "json")[n % 3 == 2], urls[n % 2 :] + urls[: n % 2])
            for n in range(_VIEWERS)
        ]
        self.senders = [
            Sender(f"s{n}", urls[n % 2 :] + urls[: n % 2], whole.token(f"s{n}")) for n in range(_SENDERS)
        ]
        self.pairs = [(Device(whole, here, f"a{n}"), Device(whole, there, f"b{n}")) for n in range(_PAIRS)]
        self.devices = [device for pair in self.pairs for device in pair]
        self.members = {f"p:{one.uid}:{other.uid}": {one.uid, other.uid} for one, other in self.pairs}
        self.members[TEAM] = {device.uid for device in self.devices}
        http = Http(whole)
        self.moderator, self.pulse = Moderator(http), Pulse(http)
        self.late_s = 0.0
        self._tasks: list[asyncio.Task[None]] = []

    async def come(self, stack: AsyncExitStack) -> None:
        """Everybody is there before anything is said."""
        for device in self.devices:
            await stack.enter_async_context(device.client)
        first, *others = self.devices
        group = {"gid": "team", "name": "Team", "members": [device.uid for device in others]}
        await chat_call(self._whole, self._whole.edges[0], first.uid, "POST", "/v1/groups", group)
        self._tasks = [asyncio.create_task(device.follow()) for device in self.devices]
        self._tasks += [asyncio.create_task(viewer.run()) for viewer in self.viewers]
        self._tasks.append(asyncio.create_task(self._keep_time()))
        async with asyncio.timeout(60):
            for viewer in self.viewers:
                await viewer.joined.wait()
        self.pulse.begin()

    async def talk(self, seconds: float) -> None:
        """Comments, messages and acts, evenly over so many seconds; until all of them are acknowledged."""
        async with asyncio.timeout(seconds + _TAKEN_S), asyncio.TaskGroup() as tasks:
            for n, sender in enumerate(self.senders):
                tasks.create_task(sender.say(ROOMS[n:] + ROOMS[:n], round(_PER_S * seconds), seconds))
            for one, other in self.pairs:
                tasks.create_task(_speak(one, other.uid, seconds))
                tasks.create_task(_speak(other, one.uid, seconds))
                tasks.create_task(_speak(one, TEAM, seconds))
            tasks.create_task(self.moderator.act(seconds))

    async def judge(self, healed_s: float, end_s: float) -> tuple[Counter[str], list[str]]:
        """What was looked at, and what was broken; `healed_s` and `end_s` are monotonic."""
        looked: Counter[str] = Counter()
        report = await self._judge_rooms()
        looked["comments"], looked["deliveries"] = report.acknowledged, report.deliveries
        looked["owners"] = report.epochs
        heard = {viewer.name: viewer.heard for viewer in self.viewers}
        looked["frames"] = sum(map(len, heard.values()))
        rooms = {viewer.name: ROOMS for viewer in self.viewers}
        silent = silences(heard, rooms, (healed_s, end_s), 10.0 + 2 * self.late_s)
        problems = [*report.problems, *interleaved(heard), *used_twice(heard), *silent]
        looked["acts"] = len(self.moderator.acts.muted) + len(self.moderator.acts.recalled)
        problems += await self.moderator.hold()
        chat, broken = await self._judge_chat()
        late = {line.split()[0] for line in [*silent, *report.problems]}
        told = [
            f"({viewer.name} {viewer.does}; its connections: {viewer.ends})"
            for viewer in self.viewers
            if viewer.name in late
        ]
        looked["messages"], looked["messages seen"] = chat["acknowledged"], chat["seen"]
        return looked, [*problems, *broken, *told]

    async def go(self) -> list[str]:
        """End everything; who had ended before, as by an answer that no service may give."""
        self.pulse.abandon()
        for task in self._tasks:
            task.cancel()
        outcomes = await asyncio.gather(*self._tasks, return_exceptions=True)
        return [
            f"somebody failed: {one!r}" for one in outcomes if not isinstance(one, asyncio.CancelledError)
        ]

    async def _judge_rooms(self) -> Report:
        def read() -> dict[str, list[tuple[tuple[int, int], str]]]:
            with self._whole.store() as store:
                return history_in(store, ROOMS)

        history = await asyncio.to_thread(read)
        deadline = time.monotonic() + _CAUGHT_UP_S
        while time.monotonic() < deadline:
            followed = (pair for viewer in self.viewers for pair in viewer.rooms.items())
            if all(len(follower.log) >= len(history[room]) for room, follower in followed):
                break
            await asyncio.sleep(0.1)
        acknowledged = [one for sender in self.senders for one in sender.acknowledged]
        acknowledged += self.pulse.acknowledged
        logs = {
            viewer.name: {room: follower.log for room, follower in viewer.rooms.items()}
            for viewer in self.viewers
        }
        report = check(acknowledged, logs, history)
        report.problems += [
            f"{viewer.name} gave something up in {room}"
            for viewer in self.viewers
            for room, follower in viewer.rooms.items()
            if follower.given_up or follower.skipped
        ]
        return report

    async def _judge_chat(self) -> tuple[Counter[str], list[str]]:
        edge = self._whole.edges[0]
        await self._whole.until_ready(edge)
        stored = {c: await read_back(self._whole, edge, min(uids), c) for c, uids in self.members.items()}
        late: list[str] = []
        try:
            async with asyncio.timeout(_CAUGHT_UP_S):
                lengths = {conv: len(messages) for conv, messages in stored.items()}
                await until_all_saw(self.devices, lengths, self.members)
        except TimeoutError:
            late.append("not all devices saw all messages in time")
        looked, problems = asserted(lambda: check_chat(self.devices, stored, self.members))
        return looked, [*late, *problems]

    async def _keep_time(self) -> None:
        while True:
            due = time.monotonic() + _TICK_S
            await asyncio.sleep(_TICK_S)
            self.late_s = max(self.late_s, time.monotonic() - due)


async def _speak(device: Device, target: str, seconds: float) -> None:
    """One message after the other, each said until it is taken."""
    begin, number = time.monotonic(), 0
    while time.monotonic() < begin + seconds:
        cid = f"{target.replace(':', '-')}-{number}"
        said = await device.client.chat.send(target, f"{number}", cid=cid, timeout_s=90)
        device.acked[cid] = said.conv, said.seq
        number += 1
        await asyncio.sleep(begin + number * _CHAT_EVERY_S - time.monotonic())
