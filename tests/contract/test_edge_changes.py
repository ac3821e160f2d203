"""An edge that follows the changes log, with real sockets, over the bus and its twin."""

from __future__ import annotations

import time
from contextlib import AsyncExitStack

import pytest

from danmaku import wire
from danmaku.change import Change, Imposed, Lifted, Revoked
from danmaku.model import Role
from danmaku.rows import Done, HelloRow, Refused
from tests.contract.edge_owner import FakeOwner, UserAnswer
from tests.contract.edge_worker import Start, Worker, token
from tests.viewer import viewer
from tests.waiting import until

FAR = 10**14  # ms, in some thousand years
BANNED = Imposed("ann", "ban", "root", 0, None, "spam")
REVOKED = Revoked("ann", FAR)


async def follows(worker: Worker) -> None:
    """Until the edge knows where the log ends: what is noted from now on is news to it."""
    await until(lambda: worker.owner.asked_changes)


@pytest.mark.parametrize(("what", "code"), [(REVOKED, 4401), (BANNED, 4403)], ids=["revoked", "banned"])
async def test_all_sockets_of_a_user_are_closed(start: Start, what: Change, code: int) -> None:
    async with start() as worker, AsyncExitStack() as stack:
        one, two, other, admin = [await stack.enter_async_context(viewer(worker.port)) for _ in range(4)]
        for socket in (one, two):
            await socket.ok(wire.Hello(0, token=token("ann")))
        await other.ok(wire.Hello(0, token=token("bob")))
        await admin.ok(wire.Hello(0, token=token("ann", Role.ADMIN)))
        await follows(worker)
        await worker.owner.note(what)
        assert await one.ended() == await two.ended() == code
        told = [wire.Notice("banned", reason="spam")] if what is BANNED else []
        assert one.all(wire.Notice) == two.all(wire.Notice) == told
        await other.ok(wire.Ping(0))
        if what is BANNED:
            await admin.ok(wire.Ping(0))
        else:
            assert await admin.ended() == code


async def test_who_is_muted_is_told_and_stays(start: Start) -> None:
    async with start() as worker, viewer(worker.port) as ann, viewer(worker.port, wire.JSON) as bob:
        await ann.ok(wire.Hello(0, token=token("ann")))
        await bob.ok(wire.Hello(0, token=token("bob")))
        await follows(worker)
        await worker.owner.note(Imposed("ann", "mute", "root", 0, FAR, "spam"), Lifted("bob", "mute"))
        [muted] = await ann.until(wire.Notice, 1)
        assert (muted.kind, muted.room, muted.reason) == ("muted", None, "spam")
        assert (muted.retry_ms or 0) > 0
        [unmuted] = await bob.until(wire.Notice, 1)
        assert (unmuted.kind, unmuted.room) == ("unmuted", None)
        await ann.ok(wire.Ping(0))


async def test_a_lost_hint_heals_by_itself(start: Start) -> None:
    async with start() as worker, viewer(worker.port) as ann:
        await ann.ok(wire.Hello(0, token=token("ann")))
        await follows(worker)
        await worker.owner.note(REVOKED, hint=False)
        assert await ann.ended() == 4401


async def test_a_token_revoked_while_it_is_checked_is_noticed(start: Start) -> None:
    async with start() as worker, viewer(worker.port) as ann:
        await follows(worker)
        owner = worker.owner

        def check_and_revoke(_: object) -> Done:
            owner.spawn(owner.note(REVOKED))
            return Done()

        owner.judge_user = check_and_revoke
        await ann.say(wire.Hello(1, token=token("ann")))
        assert await ann.ended() == 4401


async def test_who_slips_in_before_all_processes_know_of_the_ban_is_closed_after_all(start: Start) -> None:
    async with start() as worker:
        await follows(worker)
        await worker.owner.note(BANNED)
        await until(lambda: worker.metric("changes_total"))
        async with viewer(worker.port) as ann:
            await ann.ok(wire.Hello(0, token=token("ann")))
            assert await ann.ended() == 4403


async def test_much_at_once_is_read_page_by_page(start: Start) -> None:
    async with start() as worker, viewer(worker.port) as ann:
        await ann.ok(wire.Hello(0, token=token("ann")))
        await follows(worker)
        others = [Revoked(f"u{number}", FAR) for number in range(95)]
        await worker.owner.note(*others, REVOKED)
        assert await ann.ended() == 4401
        assert worker.metric("changes_total") == 96


async def test_what_this_version_does_not_know_is_passed_over(start: Start) -> None:
    async with start() as worker, viewer(worker.port) as ann:
        await ann.ok(wire.Hello(0, token=token("ann")))
        await follows(worker)
        worker.owner.changes += [b"\xc1", b"\x92\xa5words\xa1x"]
        await worker.owner.note(REVOKED)
        assert await ann.ended() == 4401


async def test_after_a_hole_in_the_log_everybody_is_asked_about(start: Start) -> None:
    async with start() as worker, AsyncExitStack() as stack:
        owner = worker.owner
        sockets = [await stack.enter_async_context(viewer(worker.port)) for _ in range(5)]
        ann, bob, dan, eve, guest = sockets
        for one, uid in ((ann, "ann"), (bob, "bob"), (dan, "dan"), (eve, "eve")):
            await one.ok(wire.Hello(0, token=token(uid)))
        await guest.ok(wire.Hello(0))
        await follows(worker)
        unsure = {"ann"}
        verdicts = {
            "ann": Refused("unauthorized", "revoked"),
            "bob": Refused("banned", "spam"),
            "dan": Refused("banned"),
        }

        def judge(row: object) -> UserAnswer:
            assert isinstance(row, HelloRow)
            if row.uid in unsure:
                unsure.discard(row.uid)
                return Refused("unavailable")
            return verdicts.get(row.uid, Done())

        owner.judge_user = judge
        owner.changes_kept = 1
        await owner.note(*(Revoked(f"u{number}", FAR) for number in range(5)))
        assert await ann.ended() == 4401
        assert await bob.ended() == await dan.ended() == 4403
        assert bob.all(wire.Notice) == [wire.Notice("banned", reason="spam")]
        assert dan.all(wire.Notice) == [wire.Notice("banned")]
        for one in (eve, guest):
            await one.ok(wire.Ping(0))


async def test_who_came_before_the_log_could_be_read_is_asked_about(start: Start) -> None:
    def prepare(owner: FakeOwner) -> None:
        owner.changes_silent = True

    async with start(prepare=prepare) as worker, viewer(worker.port) as ann:
        owner = worker.owner
        await ann.ok(wire.Hello(0, token=token("ann")))
        owner.judge_user = lambda _: Refused("unauthorized")
        owner.changes_silent = False
        await owner.note(Revoked("bob", FAR))
        assert await ann.ended() == 4401


class Clock:
    """What the edge takes for the clock; a test sets it forward."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.ahead_s = 0.0
        monkeypatch.setattr("edge.changes.time", self)

    def monotonic(self) -> float:
        return time.monotonic() + self.ahead_s


async def test_a_ban_that_is_lifted_once_it_is_due_again_is_not_carried_out_either(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What wakes the edge then may be the hint of the lifting."""
    monkeypatch.setattr("edge.changes._AGAIN_S", 600.0)
    monkeypatch.setattr("edge.changes._EVERY_S", (60, 61))
    clock = Clock(monkeypatch)
    async with start() as worker, viewer(worker.port) as ann:
        await ann.ok(wire.Hello(0, token=token("ann")))
        await follows(worker)
        await worker.owner.note(BANNED)
        assert await ann.ended() == 4403
        async with viewer(worker.port) as again:
            await again.ok(wire.Hello(0, token=token("ann")))
            clock.ahead_s = 600.0
            before = worker.metric("changes_total")
            await worker.owner.note(Lifted("ann", "ban"))
            await until(lambda: worker.metric("changes_total") > before)
            await again.ok(wire.Ping(0))


async def test_a_ban_that_was_lifted_is_not_carried_out_again(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edge.changes._AGAIN_S", 600.0)
    monkeypatch.setattr("edge.changes._EVERY_S", (0.05, 0.06))
    clock = Clock(monkeypatch)
    async with start() as worker, viewer(worker.port) as ann, viewer(worker.port) as bob:
        await ann.ok(wire.Hello(0, token=token("ann")))
        await bob.ok(wire.Hello(0, token=token("bob")))
        await follows(worker)
        banned = Imposed("bob", "ban", "root", 0, None, "spam")
        await worker.owner.note(BANNED, Lifted("ann", "ban"), banned)
        assert await ann.ended() == await bob.ended() == 4403
        async with viewer(worker.port) as again, viewer(worker.port) as slipped_in:
            await again.ok(wire.Hello(0, token=token("ann")))
            await slipped_in.ok(wire.Hello(0, token=token("bob")))
            clock.ahead_s = 600.0
            assert await slipped_in.ended() == 4403, "whose ban holds"
            await again.ok(wire.Ping(0))
