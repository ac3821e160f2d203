"""Order under fire: many speak at once, in a group and in pairs, while one of each kind of process is killed.

What is checked is what clients were told and what they saw, against what can be read back in the end.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote
from urllib.request import Request, urlopen

import pytest

from danmaku.client import Client, Message, Messages, Timing
from tests.system.fleet import Edge, Fleet, fleet

SPEAKERS = 20
TO_GROUP = 500  # messages of each of them
PAIRS = 50
IN_PAIR = 20  # messages of each of the two
TEAM = "g:team"
QUICK = Timing(first_retry=0.05, most_retry=1.0, pull_jitter=0.1)


class Seen(NamedTuple):
    seq: int
    kind: str
    uid: str
    cid: str


class Device:
    """A connected user; remembers what it was told and what it saw."""

    def __init__(self, whole: Fleet, edge: Edge, uid: str) -> None:
        self.uid = uid
        self.client = Client(edge.url, token=whole.token(uid), device=f"{uid}-d", chat=True, timing=QUICK)
        self.acked: dict[str, tuple[str, int]] = {}
        self.seen: defaultdict[str, list[Seen]] = defaultdict(list)
        self.stream: Messages | None = None

    async def follow(self) -> None:
        self.stream = self.client.chat.messages({})
        async for message in self.stream:
            self.see(message)

    def see(self, message: Message) -> None:
        self.seen[message.conv].append(Seen(message.seq, message.kind, message.uid, message.cid))

    async def speak(self, target: str, count: int) -> None:
        for number in range(count):
            cid = f"{target.replace(':', '-')}-{number}"
            said = await self.client.chat.send(target, f"{number}", cid=cid, timeout_s=90)
            assert cid not in self.acked
            self.acked[cid] = said.conv, said.seq


async def call(whole: Fleet, edge: Edge, uid: str, method: str, path: str, body: Any = None) -> Any:
    headers = {"Authorization": f"Bearer {whole.token(uid)}", "Content-Type": "application/json"}
    data = None if body is None else json.dumps(body).encode()
    request = Request(edge.url + path, data, headers, method=method)  # noqa: S310  our own http

    def answer() -> Any:
        with urlopen(request, timeout=10) as response:  # noqa: S310  see above
            return json.load(response)

    return await asyncio.to_thread(answer)


async def read_back(whole: Fleet, edge: Edge, uid: str, conv: str) -> list[Seen]:
    """All of a conversation, page by page, over HTTP."""
    found: list[Seen] = []
    while True:
        after = found[-1].seq if found else 0
        path = f"/v1/chat/conversations/{quote(conv)}/messages?limit=200&after={after}"
        page = await call(whole, edge, uid, "GET", path)
        found += [
            Seen(one["seq"], one["kind"], one.get("from", ""), one.get("cid", "")) for one in page["messages"]
        ]
        if not page["more"]:
            return found


def check(devices: list[Device], stored: dict[str, list[Seen]], members: dict[str, set[str]]) -> Counter[str]:
    """Fails where anything was lost, doubled or out of order; what was looked at.

    Everybody belonged to his conversations from their beginning, so he saw all of them and no others.
    """
    looked: Counter[str] = Counter()
    for conv, messages in stored.items():
        assert [one.seq for one in messages] == list(range(1, len(messages) + 1)), conv
        said = [(one.uid, one.cid) for one in messages if one.kind == "message"]
        assert len(set(said)) == len(said), f"something is there twice in {conv}"
        looked["stored"] += len(said)
    for device in devices:
        for cid, (conv, seq) in device.acked.items():
            assert stored[conv][seq - 1][2:] == (device.uid, cid), f"{conv} {seq} is not what was told"
            looked["acknowledged"] += 1
        own_convs = {conv for conv, uids in members.items() if device.uid in uids}
        assert own_convs == {conv for conv, seen in device.seen.items() if seen}, device.uid
        for conv in own_convs:
            assert device.seen[conv] == stored[conv], f"{device.uid} saw something else in {conv}"
            looked["seen"] += len(stored[conv])
        own: defaultdict[str, list[int]] = defaultdict(list)
        for conv, seq in device.acked.values():  # in the order in which it spoke
            own[conv].append(seq)
        assert all(seqs == sorted(seqs) for seqs in own.values()), f"{device.uid} spoke in another order"
    return looked


async def until_all_saw(devices: list[Device], lengths: dict[str, int], members: dict[str, set[str]]) -> None:
    def last(device: Device, conv: str) -> int:
        return device.seen[conv][-1].seq if device.seen[conv] else 0

    waited_for = [(one, conv) for one in devices for conv in lengths if one.uid in members[conv]]
    async with asyncio.timeout(100):
        while any(last(one, conv) < lengths[conv] for one, conv in waited_for):  # noqa: ASYNC110  many events
            await asyncio.sleep(0.05)


@pytest.mark.timeout(400)
async def test_order_under_fire(tmp_path: Path) -> None:
    all_kept = "100000"  # to be read back
    async with fleet(tmp_path, DANMAKU_CHAT_GROUP_MESSAGES=all_kept) as whole, AsyncExitStack() as stack:
        here, there = whole.edges
        speakers = [Device(whole, (here, there)[n % 2], f"s{n:02}") for n in range(SPEAKERS)]
        pairs = [(Device(whole, here, f"a{n:02}"), Device(whole, there, f"b{n:02}")) for n in range(PAIRS)]
        devices = [*speakers, *(device for pair in pairs for device in pair)]
        for device in devices:
            await stack.enter_async_context(device.client)
        group = {"gid": "team", "name": "Team", "members": [device.uid for device in speakers[1:]]}
        await call(whole, here, speakers[0].uid, "POST", "/v1/groups", group)
        following = [asyncio.create_task(device.follow()) for device in devices]
        speaking = [asyncio.create_task(one.speak(TEAM, TO_GROUP)) for one in speakers]
        for one, other in pairs:
            speaking += [asyncio.create_task(one.speak(other.uid, IN_PAIR))]
            speaking += [asyncio.create_task(other.speak(one.uid, IN_PAIR))]

        spoken = SPEAKERS * TO_GROUP + 2 * PAIRS * IN_PAIR
        for share, kill in enumerate(_kills(whole), 1):
            await _until_acked(devices, spoken * share // 6, speaking)
            await kill()
        await asyncio.gather(*speaking)

        members = {TEAM: {one.uid for one in speakers}}
        members |= {f"p:{one.uid}:{other.uid}": {one.uid, other.uid} for one, other in pairs}
        await whole.until_ready(here)
        stored = {conv: await read_back(whole, here, min(uids), conv) for conv, uids in members.items()}
        lengths = {conv: len(messages) for conv, messages in stored.items()}
        await until_all_saw(devices, lengths, members)
        looked = check(devices, stored, members)
        assert looked["stored"] == looked["acknowledged"] == spoken
        assert sum(one.stream.missed for one in devices if one.stream is not None) == 0
        print(dict(looked))
        for task in following:
            task.cancel()
        await asyncio.gather(*following, return_exceptions=True)


def _kills(whole: Fleet) -> list[Callable[[], Awaitable[None]]]:
    """One of each kind, and back again."""

    async def an_edge() -> None:
        whole.edges[0].kill()
        whole.edges[0].start()

    async def a_rooms_process() -> None:
        whole.rooms[0].kill()
        whole.rooms[0].start()

    async def nats() -> None:
        whole.nats.kill()
        await whole.start_server(whole.nats)

    async def valkey() -> None:
        whole.valkey.kill()
        await whole.start_server(whole.valkey)

    return [an_edge, a_rooms_process, nats, valkey]


async def _until_acked(devices: list[Device], count: int, speaking: list[asyncio.Task[None]]) -> None:
    async with asyncio.timeout(200):
        while sum(len(device.acked) for device in devices) < count:
            for task in speaking:
                if task.done():
                    task.result()
            await asyncio.sleep(0.02)
