"""What is adjusted is checked as a file is, and whoever holds a section sees it."""

from __future__ import annotations

import re
from collections.abc import Mapping

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.keys import KEYS, SECRETS, SettingsError, value_of
from config.live import LIVE, NeedsRestart, Running, adjusted, merged
from config.settings import Edge, Policy, Rooms, Settings

BASE = Settings(edge=Edge(heartbeat_s=7.0, frames_burst=33))


def test_secrets_and_what_a_process_is_made_of_need_a_restart() -> None:
    assert LIVE
    assert not SECRETS & set(LIVE)
    assert not {key for key in LIVE if key.partition(".")[0] in ("nats", "store", "auth")}


def test_settings_are_adjusted() -> None:
    made = adjusted(BASE, {"policy.slow_s": 3, "edge.frames_per_s": 2})
    assert (made.policy.slow_s, made.edge.frames_per_s, made.edge.frames_burst) == (3, 2.0, 33)
    assert isinstance(made.edge.frames_per_s, float)
    assert BASE.policy == Policy()
    assert Settings().policy.slow_s == 0


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"policy.slow_s": -1}, "adjusted: policy.slow_s = -1: must be a whole number from 0 to 31622400"),
        ({"policy.slow_s": "3"}, "policy.slow_s = '3': must be a whole number"),
        ({"policy.links": "eat"}, "policy.links = 'eat': must be one of hold, refuse, show"),
        ({"policy.slo_s": 3}, "policy.slo_s: there is no such key; did you mean policy.slow_s?"),
        ({"policy.slow_s": None}, "must be a whole number"),
        (
            {"rooms.window_ms": 10, "rooms.join_history": 1},
            "adjusted: rooms.window_ms = 10.0: must be at least 50, so that rooms.history_batches (2400)"
            " reach as far as rooms.repeat_memory_s (120)",
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_with_what_may_be(values: Mapping[str, object], says: str) -> None:
    with pytest.raises(SettingsError, match=re.escape(says)):
        adjusted(BASE, values)


@pytest.mark.parametrize("key", ["edge.port", "nats.url", "auth.secret"])
def test_what_cannot_change_while_it_runs_is_refused_by_name(key: str) -> None:
    says = f"{key}: cannot change while the service runs"
    with pytest.raises(NeedsRestart, match=says):
        adjusted(BASE, {key: "whatever"})
    with pytest.raises(NeedsRestart, match=says):
        merged(BASE, {}, {}, [key])


def test_whoever_holds_a_section_sees_what_is_adjusted() -> None:
    running = Running(BASE)
    policy, told = running.settings.policy, list[list[str]]()
    running.listen(lambda keys: told.append(sorted(keys)))
    assert running.adjust({"policy.slow_s": 3, "edge.frames_burst": 5}) == {}
    assert (policy.slow_s, running.settings.edge.frames_burst) == (3, 5)
    assert running.adjust({"policy.slow_s": 3}) == {}
    assert (policy.slow_s, running.settings.edge.frames_burst) == (3, 33)
    assert running.adjust({"policy.slow_s": 3}) == {}
    assert told == [["edge.frames_burst", "policy.slow_s"], ["edge.frames_burst"]]
    assert (running.values, running.base) == ({"policy.slow_s": 3}, BASE)
    assert (Settings().policy.slow_s, Policy().slow_s, BASE.policy.slow_s) == (0, 0, 0)


def test_what_cannot_be_used_here_is_passed_over() -> None:
    running = Running(BASE)
    wrong = running.adjust(
        {"edge.port": 1, "future.key": 1, "policy.links": "eat", "policy.slow_s": 3, "rooms.window_ms": 10}
    )
    assert {key: error.key for key, error in wrong.items()} == {
        key: key for key in ("edge.port", "future.key", "policy.links", "rooms.window_ms")
    }
    assert running.values == {"policy.slow_s": 3}
    assert running.settings.policy.slow_s == 3
    assert running.settings.rooms == Rooms()


def test_where_settings_do_not_go_together_by_themselves_all_is_passed_over() -> None:
    running = Running(Settings(edge=Edge(heartbeat_s=100.0)))
    assert set(running.adjust({"policy.slow_s": 3})) == {"policy.slow_s"}
    assert running.settings.policy.slow_s == 0
    assert running.adjust({"edge.heartbeat_s": 10.0}) == {}


def test_each_that_goes_with_the_rest_counts_whatever_its_name() -> None:
    running = Running(Settings(edge=Edge(heartbeat_s=100.0)))
    values = {"chat.blocked_users": 5, "edge.heartbeat_s": 10.0, "future.key": 1}
    assert set(running.adjust(values)) == {"future.key"}
    assert (running.settings.chat.blocked_users, running.settings.edge.heartbeat_s) == (5, 10.0)


def test_what_is_adjusted_in_vain_is_told_with_each_file() -> None:
    running = Running(Settings(edge=Edge(idle_s=60)))
    assert set(running.adjust({"edge.heartbeat_s": 100.0, "policy.slow_s": 3})) == {"edge.heartbeat_s"}
    for length in (50, 60):
        file = Settings(edge=Edge(idle_s=60), policy=Policy(max_length=length))
        waiting, passed_over = running.reread(file)
        assert (waiting, set(passed_over)) == ([], {"edge.heartbeat_s"})
        assert running.values == {"policy.slow_s": 3}
    assert running.adjust({"policy.slow_s": 3}) == {}
    assert running.reread(Settings(edge=Edge(idle_s=60))) == ([], {})


def test_a_file_read_again_counts_beneath_what_is_adjusted() -> None:
    running = Running(BASE)
    running.adjust({"policy.slow_s": 3})
    told = list[str]()
    running.listen(told.extend)
    file = Settings(
        edge=Edge(heartbeat_s=7.0, frames_burst=44, port=1), policy=Policy(slow_s=9, max_length=5)
    )
    assert running.reread(file) == (["edge.port"], {})
    assert sorted(told) == ["edge.frames_burst", "policy.max_length"]
    assert (running.settings.policy.slow_s, running.settings.policy.max_length) == (3, 5)
    assert running.settings.edge == Edge(heartbeat_s=7.0, frames_burst=44)
    running.adjust({})
    assert running.settings.policy == file.policy
    assert running.reread(file) == (["edge.port"], {})


def test_it_is_known_where_a_value_comes_from() -> None:
    running = Running(BASE, {"edge.frames_burst": "my.toml"})
    assert (running.origin("edge.frames_burst"), running.origin("edge.cors")) == ("my.toml", "default")
    running.reread(BASE, {"edge.cors": "DANMAKU_EDGE_CORS"})
    assert (running.origin("edge.frames_burst"), running.origin("edge.cors")) == (
        "default", "DANMAKU_EDGE_CORS",
    )  # fmt: skip


def test_what_goes_only_with_what_wants_a_restart_waits_as_well() -> None:
    running = Running(BASE, {"rooms.window_ms": "my.toml"})
    file = Settings(
        rooms=Rooms(window_ms=10.0, history_batches=12_000), policy=Policy(slow_s=1), edge=BASE.edge
    )
    other = dict.fromkeys(("rooms.window_ms", "rooms.history_batches", "policy.slow_s"), "other.toml")
    assert running.reread(file, other) == (["rooms.window_ms", "rooms.history_batches"], {})
    assert running.settings == running.base == msgspec.structs.replace(BASE, policy=file.policy)
    origins = {key: running.origin(key) for key in other}
    assert origins == {**other, "rooms.window_ms": "my.toml", "rooms.history_batches": "default"}
    assert running.reread(BASE) == ([], {})
    assert running.settings == BASE


def test_more_is_adjusted_and_less() -> None:
    before = {"policy.slow_s": 3, "future.key": 1}
    assert merged(BASE, before, {"policy.max_length": 5}, ["policy.slow_s"]) == {
        "future.key": 1, "policy.max_length": 5,
    }  # fmt: skip
    assert before == {"policy.slow_s": 3, "future.key": 1}
    assert merged(BASE, before, {}, []) == before
    with pytest.raises(SettingsError, match="there is no such key"):
        merged(BASE, {}, {}, ["policy.xyzzy"])
    with pytest.raises(SettingsError, match=r"rooms\.window_ms"):
        merged(BASE, before, {"rooms.window_ms": 10.0}, [])
    slow = Settings(rooms=Rooms(window_ms=100.0, history_batches=1200))
    both = {"rooms.window_ms": 100.0}
    assert merged(slow, both, {}, ["rooms.window_ms"]) == {}


USUAL: list[object] = [None, True, 0, 1, 8, 9000, 0.5, "hold", []]


@given(st.dictionaries(st.sampled_from(sorted(KEYS)), st.sampled_from(USUAL)))
def test_whatever_is_kept_a_process_goes_on(values: dict[str, object]) -> None:
    running = Running(BASE)
    running.adjust(values)
    assert adjusted(BASE, running.values) == running.settings
    running.adjust({})
    assert running.settings == BASE
    assert all(value_of(running.settings, key) == value_of(BASE, key) for key in KEYS.values())
    assert msgspec.to_builtins(BASE) == msgspec.to_builtins(running.base)
