from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from edge.belonging import Belonging


def known(version: int = 1, *members: str) -> Belonging:
    """Ann is here, and the members of the group are known."""
    belonging = Belonging()
    assert belonging.arrive("ann")
    assert belonging.claim("ann", "team")
    assert belonging.learn("team", version, members or ("ann", "bob"))
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
    belonging.arrive("bob")
    assert not belonging.has_claim("bob", "team")
    assert not belonging.claim("bob", "team")
    assert belonging.has_claim("bob", "team")
    assert belonging.here("team") == ["ann", "bob"]
    assert belonging.here("other") == []


def test_who_is_not_in_the_list_has_no_claim() -> None:
    belonging = known()
    belonging.arrive("eve")
    assert not belonging.claim("eve", "team")
    assert belonging.here("team") == ["ann"]
    assert belonging.learn("team", 1, ["ann"])
    assert belonging.depart("eve") == []


def test_who_is_not_here_has_no_claim() -> None:
    belonging = Belonging()
    assert not belonging.claim("ann", "team")
    assert not belonging.is_followed("team")
    assert belonging.learn("team", 1, ["ann"]) is None


def test_a_newer_version_makes_the_list_too_old() -> None:
    belonging = known()
    assert belonging.hear("team", 1)
    assert not belonging.hear("team", 2)
    assert not belonging.hear("team", 1)  # until it is known again, also what is older waits
    assert belonging.learn("team", 1, ["ann"]) is False
    assert belonging.learn("team", 2, ["ann"])
    assert belonging.hear("team", 2)
    assert belonging.hear("other", 9)


def test_who_was_removed_is_forgotten_and_the_group_with_the_last() -> None:
    belonging = known()
    belonging.arrive("bob")
    belonging.claim("bob", "team", 2)
    assert belonging.learn("team", 2, ["bob"])
    assert belonging.here("team") == ["bob"]
    assert belonging.depart("ann") == []
    assert belonging.learn("team", 3, []) is None
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
    assert belonging.doubt() == ["team"]
    assert not belonging.hear("team", 5)
    assert belonging.learn("team", 5, ["ann"])
    assert belonging.hear("team", 5)


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
            belonging.learn("team", version, members)
        elif step == "say" and belonging.hear("team", version):
            assert set(belonging.here("team")) <= members & here
        elif step in ("join", "leave"):
            version += 1
            members = members | {uid} if step == "join" else members - {uid}
    for uid in here:
        belonging.claim(uid, "team", version)
    belonging.learn("team", version, members)
    assert set(belonging.here("team")) == members & here
    assert belonging.is_followed("team") == bool(members & here)
