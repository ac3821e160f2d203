from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.forms import Form
from edge.roster import Roster


def test_first_in_and_last_out_are_told() -> None:
    roster: Roster[str] = Roster()
    assert roster.viewers("r") is None
    assert roster.enter("r", Form.MSGPACK)
    assert not roster.enter("r", Form.JSON_DEFLATED)
    viewers = roster.viewers("r")
    assert viewers is not None
    assert (viewers.forms, viewers.total) == ([Form.MSGPACK, Form.JSON_DEFLATED], 2)
    assert roster.counts() == {"r": 2}
    assert roster.rooms == 1
    assert not roster.leave("r", Form.MSGPACK)
    assert viewers.forms == [Form.JSON_DEFLATED]
    assert roster.leave("r", Form.JSON_DEFLATED)
    assert roster.counts() == {}
    with pytest.raises(KeyError):
        roster.leave("r", Form.MSGPACK)


def test_a_user_may_have_several_connections() -> None:
    roster: Roster[str] = Roster()
    roster.depart("u", "never came")
    for connection in "abc":
        roster.arrive("u", connection)
    roster.depart("u", "b")
    roster.depart("u", "b")
    assert roster.connections("u") == ("a", "c")
    roster.depart("u", "a")
    roster.depart("u", "c")
    assert roster.connections("u") == ()
    roster.arrive("u", "d")
    roster.depart("u", "other")
    assert roster.connections("u") == ("d",)
    roster.depart("u", "d")
    assert roster.connections("u") == ()


@given(st.lists(st.tuples(st.booleans(), st.sampled_from("xy"), st.integers(0, 3)), max_size=60))
def test_a_users_connections_are_those_that_arrived_and_did_not_depart(
    steps: list[tuple[bool, str, int]],
) -> None:
    roster: Roster[tuple[str, int]] = Roster()
    here: dict[str, list[tuple[str, int]]] = {"x": [], "y": []}
    connections = {(uid, number): (uid, number) for uid in "xy" for number in range(4)}
    for arrives, uid, number in steps:
        connection = connections[uid, number]
        if arrives and connection not in here[uid]:
            roster.arrive(uid, connection)
            here[uid].append(connection)
        elif not arrives:
            roster.depart(uid, connection)
            if connection in here[uid]:
                here[uid].remove(connection)
        for user, expected in here.items():
            assert roster.connections(user) == tuple(expected)
