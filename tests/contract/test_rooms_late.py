"""Requests that nobody waits for any more, as a process finds them that stood still: dropped, and counted."""

from __future__ import annotations

import time

import pytest

from config.settings import Nats
from danmaku import chat, envelope
from danmaku.bus import BusTimeout
from danmaku.envelope import OwnerRequest, Sent, UsersRequest
from danmaku.model import Role
from danmaku.rows import HelloRow
from tests.contract.conftest import Servers
from tests.contract.rooms_service import Running, Service, send
from tests.waiting import until

BUDGET_MS = 20_000


@pytest.fixture
def servers() -> Servers:
    return "memory", Nats(), None


def sent(age_s: float = 0.0) -> Sent:
    return Sent("edge-t", round((time.monotonic() - age_s) * 1000))


def requests(process: Running, live: Service, cid: str, when: Sent) -> dict[str, tuple[str, bytes]]:
    """Of each kind one that writes or reads something, with the subject that it goes to."""
    message = chat.SendRow("ann", "p:ann:bob", cid, b"\x91\x82\xa4type\xa4text\xa4text\xa2hi")
    hello = HelloRow("ann", 1, role=Role.VIEWER)
    owner = live.subjects.owner(process.name)
    return {
        "rooms": (
            owner,
            envelope.encode(OwnerRequest("edge-t", BUDGET_MS, [send("lobby", "ann", cid, cid)], when)),
        ),
        "users": (live.subjects.users, envelope.encode(UsersRequest(BUDGET_MS, [hello], when))),
        "chat": (live.subjects.chat, chat.encode(chat.ChatRequest(BUDGET_MS, [message], when))),
    }


@pytest.mark.parametrize("kind", ["rooms", "users", "chat"])
async def test_what_is_older_than_anybody_waits_is_dropped_and_counted(live: Service, kind: str) -> None:
    process = await live.sole_owner()
    subject, request = requests(process, live, "c1", sent())[kind]
    await live.bus.request(subject, request, 30)
    subject, request = requests(process, live, "c2", sent(age_s=25.0))[kind]
    with pytest.raises(BusTimeout):
        await live.bus.request(subject, request, 0.3)
    await until(lambda: process.metric("danmaku_rooms_late_rows_total", of=kind) == 1)
    subject, request = requests(process, live, "c3", sent())[kind]
    await live.bus.request(subject, request, 30)
    store = await live.open_store()
    if kind == "rooms":
        kept = (await store.history.latest("lobby", 10, 10_000)).entries
        assert [cid for entry in kept for _, cid, _ in entry.pairs] == ["c1", "c3"]
