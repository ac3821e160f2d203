"""Nothing that was acknowledged is lost, doubled or out of order, whichever rooms process dies."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from functools import partial
from itertools import pairwise
from typing import Any

from danmaku import conversation
from danmaku.bus import BusDown
from danmaku.chat import Refused, Said, SendRow
from danmaku.conversation import Create
from tests.contract.rooms_chat import TEAM, Talk, frames, send
from tests.contract.rooms_service import Running, Service
from tests.waiting import until

MESSAGES = 30  # of one sender in one conversation
UIDS = [f"u{number:02}" for number in range(12)]
PAIRS = [conversation.private(one, other) for one, other in pairwise(UIDS)]


class Senders:
    """They ask again, as edges do, until they know, and note what they were told."""

    def __init__(self, talk: Talk) -> None:
        self._talk = talk
        self.seqs: dict[str, dict[str, list[int]]] = defaultdict(dict)

    def have_said(self, least: int) -> bool:
        return sum(len(seqs) for by_sender in self.seqs.values() for seqs in by_sender.values()) >= least

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
        await until(partial(senders.have_said, nth * 100))
        await other.kill()


async def all_told(talk: Talk, uid: str, conv: str) -> list[dict[str, Any]]:
    told: list[dict[str, Any]] = []
    while (found := await talk.pull(uid, conv, len(told), 200)).messages:
        told += frames(found)
    assert [one["seq"] for one in told] == list(range(1, found.last_seq + 1))
    return told


async def test_each_message_is_there_once_and_in_its_sender_s_order(live: Service) -> None:
    first, *others = [await live.start() for _ in range(4)]
    await live.owned(first, *others)
    talk = Talk(live)
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
