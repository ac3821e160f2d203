from __future__ import annotations

from typing import Any

import msgspec
import pytest

from config.settings import Policy
from danmaku.errors import Refusal
from danmaku.model import Role, RoomSettings
from danmaku.rows import SendRow
from danmaku.wordlist import Word
from rooms.moderation import Sanctions
from rooms.moment import Moment
from rooms.policy import Judge
from rooms.rules import Rules
from rooms.verdict import Fate
from rooms.words import made

POLICY = Policy()
NOW = Moment(1000.0, 5_000_000)


def judge(policy: Policy = POLICY, **settings: Any) -> Judge:
    return Judge(Rules.of(RoomSettings(**settings), RoomSettings(), policy), policy, Sanctions())


def row(text: str = "hi", *, uid: str = "u1", role: Role = Role.VIEWER, **fields: Any) -> SendRow:
    return SendRow("a", uid, fields.pop("name", "Name"), role, text, "c1", **fields)


def after(seconds: float) -> Moment:
    return Moment(NOW.s + seconds, NOW.ms + round(seconds * 1000))


def refused(judge: Judge, row: SendRow, now: Moment = NOW) -> tuple[str, int | None]:
    with pytest.raises(Refusal) as caught:
        judge.comment(row, now)
    return caught.value.name, caught.value.retry_ms


def shown(judge: Judge, row: SendRow, now: Moment = NOW) -> Any:
    verdict = judge.comment(row, now)
    assert verdict.fate is Fate.SHOW
    return msgspec.msgpack.decode(verdict.item)


def test_what_is_usual_is_left_out() -> None:
    usual = row(mode="scroll", color=0xFFFFFF, size=25)
    assert shown(judge(), usual) == {"k": "c", "uid": "u1", "name": "Name", "text": "hi"}
    unusual = row("ho", mode="top", color=0, size=64, role=Role.MODERATOR)
    assert shown(judge(), unusual) == {
        "k": "c",
        "uid": "u1",
        "name": "Name",
        "text": "ho",
        "mode": "top",
        "color": 0,
        "size": 64,
        "role": "moderator",
    }


@pytest.mark.parametrize(
    ("name", "seen"), [(" A\nB ", "A B"), ("x" * 40, "x" * 32), ("", "u1"), ("\u200b", "u1")]
)
def test_names_are_cleaned_and_cut(name: str, seen: str) -> None:
    assert shown(judge(), row(name=name))["name"] == seen


@pytest.mark.parametrize("bad", [{"color": 0x1000000}, {"size": 9}, {"size": 65}])
def test_colour_and_size_have_bounds(bad: dict[str, Any]) -> None:
    assert refused(judge(), row(**bad)) == ("bad_frame", None)


def test_length_is_counted_in_characters_of_what_is_shown() -> None:
    strict = judge(max_length=3)
    assert refused(strict, row("abcd")) == ("too_long", None)
    assert refused(strict, row(" \n ")) == ("empty", None)
    assert shown(strict, row("  你好！ "))["text"] == "你好！"


def test_settings_say_who_may_send() -> None:
    assert refused(judge(guests_may_send=False), row(role=Role.GUEST))[0] == "forbidden"
    shown(judge(guests_may_send=False), row(role=Role.VIEWER))
    assert refused(judge(staff_only=True), row(role=Role.VIEWER))[0] == "forbidden"
    shown(judge(staff_only=True, guests_may_send=False), row(role=Role.MODERATOR))


def test_sanctions_bind_all_but_streamers_and_admins() -> None:
    strict = judge()
    strict.sanctions.impose("mute", "u1", NOW.ms + 500)
    strict.sanctions.impose("ban", "u2", None)
    strict.sanctions.impose("mute", "u3", None)
    assert refused(strict, row()) == ("muted", 500)
    assert refused(strict, row(role=Role.MODERATOR)) == ("muted", 500)
    assert refused(strict, row(uid="u2")) == ("banned", None)
    assert refused(strict, row(uid="u3")) == ("muted", None)
    shown(strict, row(role=Role.STREAMER))
    shown(strict, row(uid="u2", role=Role.ADMIN))
    shown(strict, row(), after(0.5))


def test_slow_mode_holds_for_all_but_staff() -> None:
    slow = judge(slow_s=10)
    shown(slow, row("one"))
    assert refused(slow, row("two"), after(4)) == ("slow_mode", 6000)
    shown(slow, row("two", uid="u2"), after(4))
    shown(slow, row("two"), after(10))
    for text in ("one", "two"):
        shown(slow, row(text, uid="mod", role=Role.MODERATOR))


def test_slow_mode_that_is_switched_on_counts_from_then() -> None:
    room = judge()
    shown(room, row("one"))
    room.change(Rules.of(RoomSettings(slow_s=10), RoomSettings(), POLICY))
    shown(room, row("two"))
    assert refused(room, row("three")) == ("slow_mode", 10_000)


def test_the_same_text_is_refused_for_a_while() -> None:
    room = judge()
    shown(room, row("one"))
    shown(room, row("two"))
    assert refused(room, row(" one "), after(1)) == ("duplicate_text", 4000)
    shown(room, row("one", uid="u2"), after(1))
    shown(room, row("one"), after(5))
    repeating = judge(repeat_s=0)
    shown(repeating, row("one"))
    shown(repeating, row("one"))


def test_members_and_followers_are_who_the_token_says_and_staff_is_not_asked() -> None:
    for_members, for_followers = judge(members_only=True), judge(followers_only=True)
    assert refused(for_members, row(follower=True)) == ("members_only", None)
    assert refused(for_followers, row()) == ("followers_only", None)
    shown(for_members, row(member=True))
    shown(for_followers, row(follower=True))
    for room in (for_members, for_followers):
        shown(room, row(role=Role.MODERATOR))


def test_an_account_must_be_old_enough() -> None:
    made_s = NOW.ms // 1000 - 100
    strict = judge(min_account_s=160)
    assert refused(strict, row(since_s=made_s)) == ("account_too_new", 60_000)
    assert refused(strict, row()) == ("account_too_new", None), "nobody says how old it is"
    shown(strict, row(since_s=made_s), after(60))
    shown(strict, row(role=Role.MODERATOR))


def test_what_anybody_said_is_not_said_again_for_a_while() -> None:
    room = judge(unique_s=10)
    shown(room, row("Hello  World"))
    assert refused(room, row("hello world", uid="u2"), after(4)) == ("duplicate_text", 6000)
    shown(room, row("hello world", role=Role.MODERATOR), after(4))
    shown(room, row("hello, world", uid="u2"), after(4))
    shown(room, row("HELLO WORLD", uid="u3"), after(10))
    assert refused(room, row("hello world", uid="u2"), after(11)) == ("duplicate_text", 9000)


def test_links_and_more_than_emoji_may_be_refused_to_all_but_staff() -> None:
    no_links, for_emoji = judge(links="refuse"), judge(emoji_only=True)
    assert refused(no_links, row("see example.com")) == ("links_not_allowed", None)
    assert refused(for_emoji, row("nice 😀")) == ("emoji_only", None)
    shown(no_links, row("see example"))
    shown(for_emoji, row("😀 😀"))
    shown(judge(), row("see example.com"))
    for room in (no_links, for_emoji):
        shown(room, row("see example.com", role=Role.MODERATOR))


def held(judge: Judge, row: SendRow) -> str:
    verdict = judge.comment(row, NOW)
    assert verdict.fate is Fate.HOLD
    assert msgspec.msgpack.decode(verdict.item)["text"] == row.text
    return verdict.why


def test_links_or_all_comments_may_be_held_for_a_moderator() -> None:
    assert held(judge(links="hold"), row("see example.com")) == "link"
    assert held(judge(links="hold", review=True), row("see example.com")) == "link"
    reviewed = judge(review=True)
    assert held(reviewed, row("hello")) == "review"
    assert refused(reviewed, row("hello"))[0] == "duplicate_text", "it was said"
    shown(judge(links="hold"), row("see example"))
    shown(judge(links="hold", review=True), row("see example.com", role=Role.MODERATOR))


def test_what_was_refused_was_not_said() -> None:
    room = judge(unique_s=10, slow_s=5)
    shown(room, row("one"))
    assert refused(room, row("two"), after(1))[0] == "slow_mode"
    shown(room, row("two", uid="u2"), after(1))


def test_each_user_has_a_rate_and_guests_a_lower_one() -> None:
    room = judge(repeat_s=0)
    for _ in range(POLICY.user_burst):
        shown(room, row())
    assert refused(room, row()) == ("rate_limited", 1500)
    assert refused(room, row(), after(1)) == ("rate_limited", 500)
    shown(room, row(), after(1.5))
    for _ in range(POLICY.guest_burst):
        shown(room, row(uid="g1", role=Role.GUEST))
    assert refused(room, row(uid="g1", role=Role.GUEST)) == ("rate_limited", 3000)
    for _ in range(100):
        shown(room, row(uid="mod", role=Role.MODERATOR))


def test_what_is_refused_costs_nothing() -> None:
    room = judge(max_length=2)
    for _ in range(100):
        assert refused(room, row("long"))[0] == "too_long"
    for text in "abcde":
        shown(room, row(text))


def worded() -> Judge:
    """With words of the room, and one for all rooms."""
    one = judge(Policy(user_burst=100, user_count=100, repeat_s=0))
    one.sanctions.words = made(
        [Word("refused", "refuse"), Word("held", "hold"), Word("shadowed", "shadow"), Word("masked", "mask")]
    )
    one.sanctions.everywhere.words = made([Word("everywhere", "refuse")])
    return one


def test_words_decide_what_comes_of_a_comment() -> None:
    one = worded()
    assert refused(one, row("it is r3fused")) == ("blocked_words", None)
    assert refused(one, row("everywhere, held")) == ("blocked_words", None)
    assert shown(one, row("it is m.a.s.k.e.d!"))["text"] == "it is ***********!"
    for text, fate, why in (
        ("shadowed", Fate.SHADOW, "word shadowed"),
        ("held, shadowed", Fate.HOLD, "word held"),
    ):
        verdict = one.comment(row(f"masked {text}"), NOW)
        assert (verdict.fate, verdict.why) == (fate, why)
        assert msgspec.msgpack.decode(verdict.item)["text"] == f"****** {text}"


def test_staff_may_say_every_word() -> None:
    assert shown(worded(), row("refused", role=Role.MODERATOR, name="held"))["text"] == "refused"


def test_what_a_room_holds_anyway_is_not_shadowed() -> None:
    one = judge(review=True)
    one.sanctions.words = made([Word("shadowed", "shadow")])
    assert one.comment(row("shadowed"), NOW).fate is Fate.HOLD


def test_names_are_looked_through_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    one = worded()
    assert refused(one, row(name="mr refused")) == ("blocked_words", None)
    assert shown(one, row(name="mr masked"))["name"] == "mr ******"
    assert shown(one, row(name="held by"))["name"] == "*******"
    one.sanctions.words = made([])
    assert shown(one, row(name="mr masked"))["name"] == "mr masked"
    monkeypatch.setattr("rooms.policy._MAX_NAMES", 1)
    assert shown(one, row(name="another"))["name"] == "another"
