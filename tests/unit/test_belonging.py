from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from edge.belonging import Belonging, Learned

NEWS = Learned(known=True, came=True)
KNOWN = Learned(known=True)
TOO_OLD = Learned(known=False)


def told(belonging: Belonging, version: int, *members: str) -> Learned | None:
    """Asked, and answered at once."""
    belonging.ask("team")
    return belonging.learn("team", version, [(uid, 0) for uid in members])


def known(version: int = 1, *members: str) -> Belonging:
    """Ann is here, and the members of the group are known."""
    belonging = Belonging()
    assert belonging.arrive("ann")
    assert belonging.claim("ann", "team")
    assert told(belonging, version, *(members or ("ann", "bob"))) == NEWS
    return belonging


def test_only_the_first_connection_of_a_user_is_an_arrival() -> None:
    belonging = Belonging()
    assert belonging.arrive("ann")
    assert not belonging.arrive("ann")
    assert belonging.users == ["ann"]
    assert belonging.is_here("ann")
    assert belonging.depart("ann") == []
    assert not belonging.is_here("ann")
    assert belonging.depart("ann") == []


def test_members_are_those_who_are_here_and_in_the_list() -> None:
    belonging = known()
    assert belonging.here("team") == ["ann"]
    assert not belonging.claim("ann", "team")
    belonging.arrive("bob")
    assert belonging.claim("bob", "team")  # of the list only who was here was kept
    assert belonging.here("team") == ["ann"]
    assert told(belonging, 1, "ann", "bob") == NEWS
    assert told(belonging, 1, "ann", "bob") == KNOWN
    assert belonging.here("team") == ["ann", "bob"]
    assert belonging.here("other") == []


def test_a_message_is_for_those_who_had_come_when_it_was_said() -> None:
    belonging = Belonging()
    for uid in ("ann", "bob"):
        belonging.arrive(uid)
        belonging.claim(uid, "team")
    belonging.ask("team")
    belonging.learn("team", 3, [("ann", 1), ("bob", 6), ("far", 1)])
    assert belonging.here("team", 5) == ["ann"]
    assert belonging.here("team", 6) == ["ann", "bob"]


def test_of_who_is_not_here_nothing_is_kept() -> None:
    belonging = known(1, "ann", *(f"far{number}" for number in range(500)))
    assert list(belonging._groups["team"].here) == ["ann"]


def test_who_is_not_in_the_list_has_no_claim() -> None:
    belonging = known()
    belonging.arrive("eve")
    assert belonging.claim("eve", "team")
    assert told(belonging, 1, "ann") == KNOWN
    assert belonging.here("team") == ["ann"]
    assert belonging.depart("eve") == []


def test_who_came_after_the_list_was_asked_for_keeps_his_claim() -> None:
    belonging = known()
    belonging.ask("team")
    for uid in ("bob", "eve", "cat"):
        belonging.arrive(uid)
        belonging.claim(uid, "team")
    assert belonging.depart("cat") == []
    learned = belonging.learn("team", 1, [("ann", 0), ("bob", 0)])
    assert learned == Learned(known=True, came=True, again=True)
    assert belonging.here("team") == ["ann", "bob"]
    assert told(belonging, 1, "ann", "bob", "eve") == NEWS


def test_who_is_not_here_has_no_claim() -> None:
    belonging = Belonging()
    assert not belonging.claim("ann", "team")
    assert not belonging.is_followed("team")
    assert told(belonging, 1, "ann") is None


def test_a_newer_version_makes_the_list_too_old() -> None:
    belonging = known()
    assert belonging.hear("team", 1)
    belonging.ask("team")
    assert not belonging.hear("team", 2)
    assert not belonging.hear("team", 1)  # until it is known again, also what is older waits
    assert belonging.learn("team", 1, [("ann", 0)]) == TOO_OLD
    assert told(belonging, 2, "ann") == KNOWN
    assert belonging.hear("team", 2)
    assert belonging.hear("other", 9)


def test_a_list_that_was_asked_for_after_the_hint_counts_though_it_is_older() -> None:
    belonging = known(7)
    belonging.hear("team", 9)
    assert told(belonging, 5, "ann") == KNOWN  # the store went back
    assert belonging.hear("team", 5)
    assert not belonging.hear("team", 6)


def test_who_was_removed_is_forgotten_and_the_group_with_the_last() -> None:
    belonging = known()
    belonging.arrive("bob")
    belonging.claim("bob", "team", 2)
    assert told(belonging, 2, "bob") == NEWS
    assert belonging.here("team") == ["bob"]
    assert belonging.depart("ann") == []
    assert told(belonging, 3) is None
    assert not belonging.is_followed("team")
    assert belonging.depart("bob") == []


def test_with_the_last_user_the_group_goes() -> None:
    belonging = known()
    belonging.arrive("bob")
    belonging.claim("bob", "team")
    assert belonging.depart("ann") == []
    assert belonging.depart("bob") == ["team"]
    assert not belonging.is_followed("team")


def test_in_doubt_all_groups_are_asked_about() -> None:
    belonging = known(5)
    belonging.ask("team")
    assert belonging.doubt() == ["team"]
    assert not belonging.hear("team", 0)
    assert belonging.learn("team", 5, [("ann", 0)]) == TOO_OLD  # it was asked for before
    assert told(belonging, 3, "ann") == KNOWN  # the store may have gone back
    assert belonging.hear("team", 3)


USERS = st.sampled_from(["ann", "bob", "cat"])
STEPS = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(["arrive", "depart", "claim", "join", "leave", "ask", "say"]), USERS),
    ),
    max_size=60,
)


@given(STEPS)
def test_nobody_gets_what_was_said_when_he_did_not_belong(steps: list[tuple[str, str]]) -> None:
    """Members change, and what is heard of it comes late or never; a message tells its version."""
    belonging = Belonging()
    version, members = 1, {"ann"}
    here: set[str] = set()
    for step, uid in steps:
        if step == "arrive":
            belonging.arrive(uid)
            here.add(uid)
        elif step == "depart":
            belonging.depart(uid)
            here.discard(uid)
        elif step == "claim":
            belonging.claim(uid, "team")
        elif step == "ask":
            told(belonging, version, *members)
        elif step == "say" and belonging.hear("team", version):
            assert set(belonging.here("team")) <= members & here
        elif step in ("join", "leave"):
            version += 1
            members = members | {uid} if step == "join" else members - {uid}
    for uid in here:
        belonging.claim(uid, "team", version)
    told(belonging, version, *members)
    assert set(belonging.here("team")) == members & here
    assert belonging.is_followed("team") == bool(members & here)
