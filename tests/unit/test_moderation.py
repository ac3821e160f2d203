from __future__ import annotations

import pytest

from danmaku.errors import Refusal
from danmaku.model import SanctionKind
from rooms.moderation import Sanctions


def told(
    sanctions: Sanctions, kind: SanctionKind, uid: str, now_ms: int
) -> tuple[str, str, int | None] | None:
    try:
        sanctions.check(kind, uid, now_ms)
    except Refusal as refusal:
        return refusal.name, refusal.message, refusal.retry_ms
    return None


def test_nobody_is_sanctioned_at_first() -> None:
    sanctions = Sanctions()
    assert told(sanctions, "ban", "u", 0) is None
    assert told(sanctions, "mute", "u", 0) is None
    sanctions.lift("mute", "u")


def test_a_sanction_lasts_until_it_runs_out_or_is_lifted() -> None:
    sanctions = Sanctions()
    sanctions.impose("mute", "u", 100)
    sanctions.impose("ban", "v", None)
    assert told(sanctions, "mute", "u", 60) == ("muted", "you are muted", 40)
    assert told(sanctions, "mute", "u", 100) is None
    assert told(sanctions, "ban", "v", 10**15) == ("banned", "you are banned", None)
    assert told(sanctions, "mute", "v", 0) is None
    sanctions.impose("mute", "u", None, "spam")
    assert told(sanctions, "mute", "u", 10**15) == ("muted", "spam", None)
    sanctions.lift("ban", "v")
    assert told(sanctions, "ban", "v", 0) is None


def test_who_is_barred_is_told_why_and_for_how_long() -> None:
    sanctions = Sanctions()
    kinds: list[tuple[SanctionKind, str]] = [("ban", "banned"), ("mute", "muted")]
    for kind, name in kinds:
        sanctions.impose(kind, "u", 5000, "rude")
        assert told(sanctions, kind, "u", 2000) == (name, "rude", 3000)
    assert sanctions.bar("u", 4999)
    assert not sanctions.bar("u", 5000)


def test_a_full_list_drops_what_has_run_out_or_takes_no_more() -> None:
    sanctions = Sanctions(most=2)
    sanctions.check_room_for("ban", "a", 0)
    sanctions.impose("ban", "a", 100)
    sanctions.impose("ban", "b", None)
    sanctions.check_room_for("ban", "a", 0)
    with pytest.raises(Refusal, match="conflict"):
        sanctions.check_room_for("ban", "c", 99)
    sanctions.check_room_for("ban", "c", 100)
    assert len(sanctions) == 1
