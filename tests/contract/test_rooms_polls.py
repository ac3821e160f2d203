"""Polls and what is pinned, at rooms processes over twins and over real servers."""

from __future__ import annotations

import asyncio

import pytest

from danmaku import board, wire
from danmaku.board import Board, Poll
from danmaku.calls import VOTED_S
from danmaku.envelope import OutKind
from danmaku.event_rows import ClosePollRow, GetPollRow, PaidRow, Polled, PollRow, UnpinRow, VoteRow, poll_id
from danmaku.model import Role
from danmaku.moderation_rows import SanctionRow
from danmaku.rows import Admitted, DeleteRoomRow, Done, EventRow, JoinRow, Open, Shown
from danmaku.store import Store
from danmaku.store.errors import StoreDown
from danmaku.store.polls import Ballot, Counted, Polls
from tests.contract.failing import away
from tests.contract.rooms_service import LONG, Service, refusal, send, the
from tests.waiting import until

ID = poll_id("boss", "p1")
WELCOME = wire.encode_item(wire.Announce("welcome"))


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A busy machine is no store that does not tell what somebody voted."""
    monkeypatch.setattr("rooms.voted.VOTED_S", 60)


def opens(cid: str = "p1", seconds: int | None = None) -> PollRow:
    return PollRow("a", "boss", Role.STREAMER, cid, "Which?", ["one", "two"], seconds)


def vote(uid: str, option: int, poll: str = ID, role: Role = Role.VIEWER) -> VoteRow:
    return VoteRow("a", uid, role, poll, option)


CLOSE = ClosePollRow("a", "boss", Role.MODERATOR, ID)


async def acts(live: Service) -> list[tuple[str, str, str]]:
    """What was written down: (verb, by, what)."""
    found = await (await live.open_store()).audit.before("a", None, 100)
    return [(one.act.verb, one.act.by, one.act.what) for one in found]


async def test_a_poll_from_its_opening_to_its_end(live: Service) -> None:
    running = await live.sole_owner(rooms=LONG)
    room = await live.watch("a")
    shown = the(Shown, await live.ask(opens()))
    assert await live.ask(opens()) == shown
    assert refusal(await live.ask(opens("p2"))) == "conflict"
    answers = await live.request(running.name, vote("ann", 1), vote("bob", 1), vote("ann", 1))
    assert answers == [Done(), Done(), Done()]
    assert refusal(await live.ask(vote("ann", 0))) == "conflict"
    assert refusal(await live.ask(vote("eve", 0, role=Role.GUEST))) == "forbidden"
    assert refusal(await live.ask(vote("eve", 0, "none"))) == "no_such_poll"
    poll = Poll(ID, "Which?", ("one", "two"))
    assert await live.ask(GetPollRow("a", ID)) == Polled(poll, [0, 2], True)
    assert await live.ask(GetPollRow("a", ID, "ann")) == Polled(poll, [0, 2], True, voted=1)
    assert await live.ask(GetPollRow("a", ID, "cat")) == Polled(poll, [0, 2], True)
    assert await live.ask(GetPollRow("a", ID)) == Polled(poll, [0, 2], True)  # who looks has not voted
    assert await live.ask(GetPollRow("a", "", "ann")) == Polled(poll, [0, 2], True, voted=1)
    joined = the(Admitted, await live.ask(JoinRow("a", "ann", Role.VIEWER)))
    assert board.decode(joined.view) == Board(poll=poll)
    assert joined.counts == [0, 2]
    again = the(Admitted, await live.ask(JoinRow("a", "ann", Role.VIEWER, joined.board)))
    assert (again.board, again.view) == (joined.board, b"")

    ask = ClosePollRow("a", "ann", Role.VIEWER, ID)
    assert refusal(await live.ask(ask)) == "forbidden"
    closed = Polled(poll, [0, 2], False)
    both = await live.request(running.name, CLOSE, vote("cat", 0), CLOSE)
    assert both[0] == both[2] == closed
    assert refusal(both[1]) == "poll_closed"
    assert await live.ask(CLOSE) == await live.ask(GetPollRow("a", ID)) == closed
    assert refusal(await live.ask(GetPollRow("a", ""))) == "no_such_poll"
    assert the(Polled, await live.ask(GetPollRow("a", ID, "bob"))).voted == 1
    assert await live.ask(vote("ann", 1)) == Done()  # as it was answered before
    assert refusal(await live.ask(vote("dan", 1))) == "poll_closed"
    assert the(Admitted, await live.ask(JoinRow("a", "ann", Role.VIEWER))).board == 0
    told = [item for _, item in room.items]
    assert told == [
        {"k": "poll", "id": ID, "question": "Which?", "options": ["one", "two"]},
        {"k": "poll_closed", "id": ID, "counts": [0, 2]},
    ]
    assert await acts(live) == [("poll", "boss", "Which?"), ("close_poll", "boss", "Which?")]
    await room.until(1, OutKind.STATS)
    assert room.frames(OutKind.STATS)


async def test_votes_and_what_is_pinned_outlive_their_owner_and_what_is_due_is_closed(live: Service) -> None:
    first, second = await live.start(), await live.start()
    await live.owned(first, second)
    room = await live.watch("a")
    pin = EventRow("a", "boss", Role.STREAMER, "e1", WELCOME, 3600)
    the(Shown, await live.ask(pin))
    the(Shown, await live.ask(opens(seconds=3)))
    assert await live.ask(vote("ann", 1)) == Done()
    owner, other = (first, second) if live.owner("a") == first.name else (second, first)
    await owner.kill()
    await live.owned(other)
    assert await live.ask(vote("ann", 1)) == Done()
    answer = await live.ask(vote("bob", 0))
    assert answer == Done() or refusal(answer) == "poll_closed"  # on a slow machine
    counts = [int(answer == Done()), 1]
    await until(lambda: room.kinds[-1:] == ["poll_closed"])
    assert room.items[-1][1] == {"k": "poll_closed", "id": ID, "counts": counts}
    assert the(Polled, await live.ask(GetPollRow("a", ID))).counts == counts
    joined = the(Admitted, await live.ask(JoinRow("a", "ann", Role.VIEWER)))
    [pinned] = board.decode(joined.view).pins
    assert pinned.position == room.items[0][0]
    told = [("pin", "boss", "welcome"), ("poll", "boss", "Which?"), ("close_poll", "", "Which?")]
    assert await acts(live) == told


class _Forgetful:
    """Counts, and then says that it does not know, the first time."""

    def __init__(self, store: Polls) -> None:
        self._store = store
        self.left = 2

    async def cast(
        self, process: str, ballots: list[Ballot], voters: int
    ) -> list[Counted | Exception | None]:
        outcomes = await self._store.cast(process, ballots, voters)
        self.left -= 1
        if self.left > 0:
            return [StoreDown("unknown") for _ in ballots]
        if self.left == 0:
            raise StoreDown("unknown")
        return outcomes

    async def voted(self, room: str, poll: str, uid: str) -> int | None:
        return await self._store.voted(room, poll, uid)


class _Slow:
    """Looks up what somebody voted, and tells it when `go` is set."""

    def __init__(self, store: Polls) -> None:
        self._store = store
        self.cast = store.cast
        self.asked = 0
        self.ended = 0
        self.go = asyncio.Event()

    async def voted(self, room: str, poll: str, uid: str) -> int | None:
        self.asked += 1
        await self.go.wait()
        self.ended += 1
        return await self._store.voted(room, poll, uid)


async def test_a_vote_whose_outcome_is_unknown_counts_once(live: Service) -> None:
    store = await live.open_store()
    store.polls = _Forgetful(store.polls)  # type: ignore[misc]  # both stores have it as an attribute
    await live.sole_owner(store=store)
    await live.ask(opens())
    assert await live.ask(vote("ann", 1)) == Done()
    assert the(Polled, await live.ask(CLOSE)).counts == [0, 1]


async def test_votes_wait_for_a_store_that_is_away(live: Service) -> None:
    store: Store = await live.open_store()
    forgetful = _Forgetful(store.polls)
    store.polls = forgetful  # type: ignore[misc]  # both stores have it as an attribute
    running = await live.sole_owner(rooms=LONG, store=store)
    await live.ask(opens())
    forgetful.left = 1000
    assert await live.request(running.name, vote("ann", 1), budget_s=0.3) == [Open()]
    forgetful.left = 0
    assert await live.ask(vote("ann", 1)) == Done()
    assert the(Polled, await live.ask(CLOSE)).counts == [0, 1]


async def test_a_poll_is_told_while_votes_cannot_be_stored(live: Service) -> None:
    store: Store = await live.open_store()
    forgetful = _Forgetful(store.polls)
    store.polls = forgetful  # type: ignore[misc]  # both stores have it as an attribute
    running = await live.sole_owner(rooms=LONG, store=store)
    await live.ask(opens())
    forgetful.left = 0
    assert await live.ask(vote("ann", 1)) == Done()
    forgetful.left = 1000
    waits = asyncio.create_task(live.request(running.name, vote("bob", 0), budget_s=20))
    try:
        await until(lambda: forgetful.left < 1000)
        assert the(Polled, await live.ask(GetPollRow("a", ID, "ann"))).voted == 1
        assert not waits.done()
    finally:
        waits.cancel()


@pytest.mark.parametrize("hangs", [False, True], ids=["fails", "hangs"])
async def test_a_poll_is_told_without_what_the_store_does_not_say(
    live: Service, monkeypatch: pytest.MonkeyPatch, hangs: bool
) -> None:
    monkeypatch.setattr("rooms.voted.VOTED_S", VOTED_S)
    store: Store = await live.open_store()
    slow = _Slow(store.polls)
    if not hangs:
        monkeypatch.setattr(slow, "voted", away)
    store.polls = slow  # type: ignore[misc]  # both stores have it as an attribute
    await live.sole_owner(store=store)
    await live.ask(opens())
    assert await live.ask(vote("ann", 1)) == Done()
    stands = Polled(Poll(ID, "Which?", ("one", "two")), [0, 1], True)
    assert await live.ask(GetPollRow("a", ID, "ann")) == stands
    slow.go.set()
    await until(lambda: slow.ended == slow.asked)  # none is cut short, for which the store would seem to hang


async def test_a_poll_is_told_as_it_stands_when_the_vote_was_looked_up(live: Service) -> None:
    store: Store = await live.open_store()
    slow = _Slow(store.polls)
    store.polls = slow  # type: ignore[misc]  # both stores have it as an attribute
    await live.sole_owner(store=store)
    await live.ask(opens())
    asked = asyncio.create_task(live.ask(GetPollRow("a", ID, "ann")))
    await until(lambda: slow.asked == 1)
    assert await live.ask(vote("ann", 1)) == Done()
    await live.ask(CLOSE)
    slow.go.set()
    assert await asked == Polled(Poll(ID, "Which?", ("one", "two")), [0, 1], False, voted=1)


async def test_of_a_poll_that_others_followed_meanwhile_nothing_is_told(live: Service) -> None:
    store: Store = await live.open_store()
    slow = _Slow(store.polls)
    store.polls = slow  # type: ignore[misc]  # both stores have it as an attribute
    await live.sole_owner(store=store)
    await live.ask(opens())
    asked = asyncio.create_task(live.ask(GetPollRow("a", ID, "ann")))
    await until(lambda: slow.asked == 1)
    await live.ask(CLOSE)
    await live.ask(opens("p2"))
    await live.ask(ClosePollRow("a", "boss", Role.MODERATOR, poll_id("boss", "p2")))
    slow.go.set()
    assert refusal(await asked) == "no_such_poll"


async def test_who_is_too_many_is_told_the_poll_alone(live: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rooms.voted._MOST", 0)
    await live.sole_owner()
    await live.ask(opens())
    assert await live.ask(vote("ann", 1)) == Done()
    stands = Polled(Poll(ID, "Which?", ("one", "two")), [0, 1], True)
    assert await live.ask(GetPollRow("a", ID, "ann")) == stands


async def test_paid_comments_and_announcements_are_pinned(live: Service) -> None:
    await live.sole_owner()
    room = await live.watch("a")
    paid = PaidRow("a", "shop", Role.ADMIN, "c1", "ann", "Ann", "go", 1000, "CNY")
    ask = PaidRow("a", "shop", Role.ADMIN, "c1", "ann", "Ann", "go", 1000, "CNY", True)
    assert await live.ask(ask) == Done()
    shown = the(Shown, await live.ask(paid))
    assert await live.ask(paid) == shown
    await live.ask(EventRow("a", "boss", Role.STREAMER, "e1", WELCOME, 3600))
    joined = the(Admitted, await live.ask(JoinRow("a", "ann", Role.VIEWER)))
    seen = board.decode(joined.view)
    assert [pin.position for pin in seen.pins] == [(shown.epoch, 2), (shown.epoch, 1)]
    unpin = UnpinRow("a", "boss", Role.STREAMER, "u1")
    the(Shown, await live.ask(unpin))
    assert refusal(await live.ask(UnpinRow("a", "boss", Role.STREAMER, "u2"))) == "no_such_message"
    await live.ask(send("a", "cat", "hello", "c9"))
    assert room.kinds == ["paid", "announce", "unpinned", "c"]
    assert await acts(live) == [("pin", "boss", "welcome"), ("unpin", "boss", "welcome")]
    await live.ask(DeleteRoomRow("a", "boss", Role.STREAMER))
    left = the(Admitted, await live.ask(JoinRow("a", "boss", Role.STREAMER)))
    assert (left.board, left.view) == (0, b"")


async def test_a_gift_is_pinned_by_its_amount_like_a_paid_comment(live: Service) -> None:
    await live.sole_owner()
    room = await live.watch("a")
    item = wire.encode_item(wire.Gift("ann", "Ann", "rocket", amount=1000, currency="CNY"))
    gift = EventRow("a", "shop", Role.ADMIN, "g1", item)
    assert await live.ask(EventRow("a", "shop", Role.ADMIN, "g1", item, 0, True)) == Done()
    shown = the(Shown, await live.ask(gift))
    assert await live.ask(gift) == shown
    joined = the(Admitted, await live.ask(JoinRow("a", "ann", Role.VIEWER)))
    [pin] = board.decode(joined.view).pins
    [(_, told)] = room.items
    assert (pin.position, pin.until) == ((shown.epoch, 1), told["until"])
    await live.ask(SanctionRow("a", "mute", "ann", "boss", Role.MODERATOR))
    again = EventRow("a", "shop", Role.ADMIN, "g2", item)
    assert refusal(await live.ask(again)) == "muted"


async def test_who_is_banned_pays_for_nothing(live: Service) -> None:
    await live.sole_owner()
    the(Shown, await live.ask(opens()))
    await live.ask(SanctionRow("a", "mute", "ann", "boss", Role.MODERATOR))
    for asks in (True, False):
        row = PaidRow("a", "shop", Role.ADMIN, "c1", "ann", "Ann", "go", 1000, "CNY", asks)
        assert refusal(await live.ask(row)) == "muted"
    viewer = PaidRow("a", "bob", Role.VIEWER, "c1", "bob", "Bob", "go", 1000, "CNY", True)
    assert refusal(await live.ask(viewer)) == "forbidden"
