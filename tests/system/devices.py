"""Users who speak in conversations, each over one device, and what they were told and saw.

What is checked is that against what can be read back in the end.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter, defaultdict
from typing import Any, Final, NamedTuple
from urllib.parse import quote
from urllib.request import Request, urlopen

from danmaku.client import Client, Message, Messages, Timing
from tests.system.fleet import Edge, Fleet

QUICK: Final = Timing(first_retry=0.05, most_retry=1.0, pull_jitter=0.1)


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
            assert seq <= len(stored[conv]), f"{conv} {seq} was acknowledged, and is lost"
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
