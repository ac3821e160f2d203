from __future__ import annotations

from danmaku.moderation_rows import Sign
from rooms.abuse import JOINS, NEW_USERS, USERS, Abuse
from rooms.moment import Moment

NOW = Moment(1000.0, 5_000_000_000)
SPAM = "buy gold here"


def later(seconds: float) -> Moment:
    return Moment(NOW.s + seconds, NOW.ms + round(seconds * 1000))


def chorus(abuse: Abuse, users: int, text: str = SPAM, now: Moment = NOW, prefix: str = "u") -> None:
    for number in range(users):
        abuse.said(f"{prefix}{number}", text, 0, now)


def told(abuse: Abuse) -> list[tuple[str, int]]:
    return [(sign.kind, sign.count) for sign in abuse.signs]


def test_the_same_text_of_many_users_is_a_sign_and_again_when_they_doubled() -> None:
    abuse = Abuse()
    chorus(abuse, USERS - 1)
    chorus(abuse, USERS - 1, "BUY  gold here", later(1))
    assert not abuse.signs
    abuse.said("one more", "Buy gold here", 0, later(2))
    assert list(abuse.signs) == [Sign(later(2).ms, "same_text", USERS, "Buy gold here", NOW.ms)]
    chorus(abuse, 2 * USERS, now=later(3))
    assert told(abuse) == [("same_text", USERS), ("same_text", 2 * USERS)]
    assert abuse.uncounted() == ["same_text", "same_text"]
    assert abuse.uncounted() == []


def test_what_nobody_sees_makes_no_text_another_one() -> None:
    abuse = Abuse()
    for number in range(USERS):
        abuse.said(f"u{number}", "buy " + "\u200b" * number + "gold here", 0, NOW)
    assert [(sign.kind, sign.sample) for sign in abuse.signs] == [("same_text", SPAM)]
    abuse = Abuse()
    chorus(abuse, USERS, "6\u200b6\u200b6\u200b")
    assert not abuse.signs


def test_what_one_user_repeats_or_many_say_anyway_is_none() -> None:
    abuse = Abuse()
    for _ in range(100):
        abuse.said("u", SPAM, 0, NOW)
    chorus(abuse, 100, "666")
    chorus(abuse, 100, "哈哈哈哈哈哈哈哈哈")
    assert not abuse.signs


def test_what_is_spread_over_a_long_time_is_none() -> None:
    abuse = Abuse()
    for number in range(100):
        chorus(abuse, USERS // 2 - 1, now=later(number * 30), prefix=f"{number}-")
        abuse.said("u", f"other text {number}", 0, later(number * 30 + 15))
    assert not abuse.signs


def test_a_crowd_is_told_apart_up_to_a_bound() -> None:
    abuse = Abuse()
    chorus(abuse, 10_000)
    counts = [sign.count for sign in abuse.signs]
    assert counts == [USERS * 2**step for step in range(len(counts))]
    assert counts[-1] <= 2000


def test_many_joins_are_a_sign_where_they_are_unusual() -> None:
    abuse = Abuse()
    for number in range(JOINS):
        abuse.joined(later(number * 5 / JOINS))
    assert told(abuse) == [("joins", JOINS)]
    assert abuse.signs[0].since == NOW.ms
    usual = Abuse()
    for second in range(600):
        for _ in range(JOINS // 20):
            usual.joined(later(second))
    assert not usual.signs, "half as many, all the time"
    for _ in range(JOINS + 100):
        usual.joined(later(600))
    assert not usual.signs, "not four times as many as usual"
    for _ in range(JOINS):
        usual.joined(later(601))
    assert [kind for kind, _ in told(usual)] == ["joins"]


def test_many_new_accounts_that_write_are_a_sign() -> None:
    abuse = Abuse()
    made_s = NOW.ms // 1000 - 3600
    for number in range(NEW_USERS - 1):
        abuse.said(f"u{number}", "hi", made_s, NOW)
    abuse.said("old", "hi", made_s - 86_400, NOW)
    abuse.said("unknown", "hi", 0, NOW)
    assert not abuse.signs
    for number in range(NEW_USERS - 1):
        abuse.said(f"v{number}", "hi", made_s, later(61))
    assert not abuse.signs, "a minute later"
    abuse.said("w", "hi", made_s, later(62))
    assert list(abuse.signs) == [Sign(later(62).ms, "new_accounts", NEW_USERS, "w", later(61).ms)]


def test_signs_are_told_after_the_newest_that_is_known_and_no_two_are_alike() -> None:
    abuse = Abuse()
    chorus(abuse, 4 * USERS)
    first, second, third = (sign.at for sign in abuse.signs)
    assert first < second < third
    assert [sign.at for sign in abuse.after(first)] == [second, third]
    assert abuse.after(third) == []


def test_signs_are_bounded() -> None:
    abuse = Abuse()
    for number in range(300):
        chorus(abuse, USERS, f"spam number {number}", later(number))
    assert len(abuse.signs) == 100
    assert len(abuse.uncounted()) == 100
