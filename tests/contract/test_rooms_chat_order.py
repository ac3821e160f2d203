"""Nothing that was acknowledged is lost, doubled or out of order, whichever rooms process dies."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator
from itertools import pairwise
from secrets import token_hex
from typing import Any

import pytest

from config.settings import Nats
from config.settings import Store as StoreSettings
from danmaku import conversation
from danmaku.bus import BusDown
from danmaku.chat import Refused, Said, SendRow
from danmaku.conversation import Create
from tests.contract.conftest import until
from tests.contract.rooms_chat import TEAM, Talk, frames, send
from tests.contract.rooms_service import Running, Service, service

MESSAGES = 30  # of one sender in one conversation
UIDS = [f"u{number:02}" for number in range(12)]
PAIRS = [conversation.private(one, other) for one, other in pairwise(UIDS)]


@pytest.fixture(params=["memory", "real"])
def servers(request: pytest.FixtureRequest) -> tuple[str, Nats, StoreSettings | None]:
    if request.param == "memory":
        return "memory", Nats(), None
    prefix = f"t{token_hex(4)}"
    nats = Nats(url=request.getfixturevalue("nats_url"), prefix=prefix)
    return "real", nats, StoreSettings(url=request.getfixturevalue("store_url"), prefix=prefix)


@pytest.fixture
async def running(servers: tuple[str, Nats, StoreSettings | None]) -> AsyncIterator[Service]:
    async with service(*servers) as opened:
        yield opened


class Senders:
    """They ask again, as edges do, until they know, and note what they were told."""

    def __init__(self, talk: Talk) -> None:
        self._talk = talk
        self.seqs: dict[str, dict[str, list[int]]] = defaultdict(dict)

    @property
    def count(self) -> int:
        return sum(len(seqs) for by_sender in self.seqs.values() for seqs in by_sender.values())

    async def run(self, uid: str, conv: str) -> None:
        seqs = self.seqs[conv][uid] = []
        for number in range(1, MESSAGES + 1):
            row = send(uid, f"c{number}", conv, session=f"s-{uid}", n=number)
            seqs.append(await self._say(row))

    async def _say(self, row: SendRow) -> int:
        while True:
            try:
                (answer,) = await self._talk.ask(row, budget_s=0.5)
            except BusDown:
                continue
            if isinstance(answer, Said):
                return answer.seq
            assert isinstance(answer, Refused)
            assert answer.name in ("unavailable", "timeout")


async def kill(others: list[Running], senders: Senders) -> None:
    """One after another, while messages are under way."""
    for nth, other in enumerate(others, 1):

        async def goes_on(least: int = nth * 100) -> bool:
            return senders.count >= least

        await until(goes_on)
        await other.kill()


async def all_told(talk: Talk, uid: str, conv: str) -> list[dict[str, Any]]:
    told: list[dict[str, Any]] = []
    while (found := await talk.pull(uid, conv, len(told), 200)).messages:
        told += frames(found)
    assert [one["seq"] for one in told] == list(range(1, found.last_seq + 1))
    return told


async def test_each_message_is_there_once_and_in_its_sender_s_order(running: Service) -> None:
    first, *others = [await running.start() for _ in range(4)]
    await running.owned(first, *others)
    talk = Talk(running)
    await talk.change(UIDS[0], Create("Team", UIDS[1:]))
    senders = Senders(talk)
    said = [senders.run(uid, TEAM) for uid in UIDS] + [
        senders.run(conv.split(":")[1], conv) for conv in PAIRS
    ]
    await asyncio.gather(kill(others, senders), *said)
    for conv, by_sender in senders.seqs.items():
        told = await all_told(talk, min(by_sender), conv)
        messages = [one for one in told if one["kind"] == "message"]
        assert len(messages) == MESSAGES * len(by_sender)
        for uid, seqs in by_sender.items():
            own = [(one["seq"], one["cid"]) for one in messages if one["from"] == uid]
            assert own == [(seq, f"c{number}") for number, seq in enumerate(seqs, 1)]
