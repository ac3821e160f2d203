"""Every call over the bus and to the store has its time-out, retry and bound from danmaku/calls.py."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from danmaku import calls
from danmaku.calls import CALLS, RETRIES, STORE, VOTED_S, Call, Retry, budget_s, owner_s

ROOT = Path(__file__).parents[2]
DOCS = (ROOT / "docs/OPERATIONS.md").read_text()
OURS = [
    path
    for folder in ("danmaku", "edge", "rooms")
    for path in sorted((ROOT / folder).rglob("*.py"))
    if path.parent.name != "bus" and path.name not in ("bus.py", "doctor_engines.py")
]
NAMES = {name for name, value in vars(calls).items() if isinstance(value, Call | Retry)}

# Where the bus is waited for, and how that place calls its time-out.
WAITS = {
    ("edge/feeds.py", "flush", "attempt_s"),
    ("edge/gather.py", "request", "timeout_s"),
    ("edge/reports.py", "request", "COUNTS.most_s"),
    ("edge/rooms_client.py", "request", "timeout_s"),
    ("rooms/outbox.py", "flush", "timeout_s"),  # when a process ends: RoomsProcess says how long
}
# What these names are made of.
SOURCES = {
    "edge/feeds.py": {"attempt_s": {"calls.OPEN_ROOM.timeout_s(self._request_s)"}},
    "edge/gather.py": {"timeout_s": {"min(self._attempt_s, parcel.deadline - now)"}},
    "edge/rooms_client.py": {
        "timeout_s": {
            "self._waits(calls.HISTORY) if timeout_s is None else timeout_s",
            "self._waits(calls.CHANGES)",
            "self._waits(calls.ADJUSTMENTS)",
            "self._waits(calls.ALL_OWNERS)",
        }
    },
}


@cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def calls_in(tree: ast.AST) -> Iterator[tuple[ast.Call, ast.Attribute]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            yield node, node.func


def is_bus(node: ast.expr) -> bool:
    name = node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""
    return name.strip("_") == "bus"


def test_the_bus_is_waited_for_in_these_places_only() -> None:
    found = {
        (name_of(path), function.attr, ast.unparse(call.args[2 if function.attr == "request" else 0]))
        for path in OURS
        for call, function in calls_in(parsed(path))
        if function.attr in ("request", "flush") and is_bus(function.value)
    }
    assert found == WAITS, "what waits for the bus gets its time-out from danmaku/calls.py"


@pytest.mark.parametrize("name", SOURCES)
def test_there_time_outs_are_made_of_what_calls_says(name: str) -> None:
    found: dict[str, set[str]] = {}
    for node in ast.walk(parsed(ROOT / name)):
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            target = node.targets[0].id
            if target in SOURCES[name]:
                found.setdefault(target, set()).add(ast.unparse(node.value))
    assert found == SOURCES[name]


def test_each_request_of_the_rooms_client_names_its_call() -> None:
    last = {
        ast.unparse(call.args[-1])
        for call, function in calls_in(parsed(ROOT / "edge/rooms_client.py"))
        if function.attr == "_request"
    }
    assert {words for words in last if words != "timeout_s"} == {
        "self._waits(calls.DRAIN)",
        "self._waits(calls.EVERYWHERE)",
        "self._waits(calls.RECORDS)",
    }


def test_gathered_rows_wait_as_their_call_says() -> None:
    made = [
        ast.unparse(node.args[0])
        for path in OURS
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.Call) and ast.unparse(node.func) in {"times", "gather", "gathered"}
    ]
    assert sorted(made) == [
        "call",
        "call",
        "calls.AT_ONCE",
        "calls.CHAT",
        "calls.CHAT_LISTS",
        "calls.COMMENTS",
        "calls.ROWS",
        "calls.USERS",
    ]
    by_hand = [path for path in OURS if path.name != "gather.py" and "Times(" in path.read_text()]
    assert by_hand == []


def test_what_is_left_to_a_caller_is_only_used_through_these() -> None:
    """Whoever answers takes no longer than the caller waits, nor longer than there is sense in."""
    allowed = ("budget_s(", "owner_s(", "calls.budget_s(", "self._answer(")
    for path in OURS:
        if not name_of(path).startswith("rooms/"):
            continue
        tree = parsed(path)
        within = {
            id(part)
            for node in ast.walk(tree)
            if isinstance(node, ast.Call) and ast.unparse(node).startswith(allowed)
            for part in ast.walk(node)
        }
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute) and node.attr == "budget_ms":
                assert id(node) in within, f"{name_of(path)}:{node.lineno}"


def test_only_the_link_and_what_finds_its_servers_talk_to_the_store() -> None:
    """A call of the store ends with the time that Link gives it, whoever makes it."""
    found = {
        name_of(path)
        for path in OURS
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in (
            [node.module or ""] if isinstance(node, ast.ImportFrom) else [a.name for a in node.names]
        )
        if name.partition(".")[0] in ("redis", "hiredis") and name != "redis.crc"
    }
    link = "link", "options", "servers", "vouching"
    assert found == {f"danmaku/store/valkey/{name}.py" for name in link}


def test_who_waits_for_the_store_to_come_back_does_so_as_calls_says() -> None:
    """In all but what waits while it starts, or looks again in a while in any case."""
    own = {
        "rooms/__main__.py": "_RETRY_S",  # before it can begin
        "rooms/listening.py": "_RETRY_S",
    }
    for path in OURS:
        for node in ast.walk(parsed(path)):
            if not isinstance(node, ast.ExceptHandler) or "StoreDown" not in ast.unparse(node.type or node):
                continue
            for call, function in calls_in(node):
                if function.attr == "sleep":
                    (argument,) = map(ast.unparse, call.args)
                    named = argument == "pause_s" or argument.partition(".")[0] in NAMES
                    assert named or own.get(name_of(path)) == argument, f"{name_of(path)}:{call.lineno}"


@pytest.mark.parametrize("call", CALLS, ids=lambda call: call.what)
def test_the_table_says_so_of_each_call(call: Call) -> None:
    assert f"\n| {call.what} | {call.patience} | {call.then} |\n" in DOCS


@pytest.mark.parametrize("retry", RETRIES, ids=lambda retry: retry.what)
def test_the_table_says_so_of_each_retry(retry: Retry) -> None:
    assert f"\n| {retry.what} | {retry.pauses} |\n" in DOCS


def test_the_table_says_so_of_the_store() -> None:
    assert f"{STORE.unread:g} × `store.timeout_s`, {STORE.tries} tries" in DOCS
    assert f"{STORE.look:g} × `store.timeout_s` each, {STORE.looks:g} × `store.timeout_s` in all" in DOCS
    assert f"one of {STORE.connections} connections to each server" in DOCS
    assert f"to be told with a poll | {VOTED_S:g} s, " in DOCS
    assert f"{owner_s(1000):g} × what is left" in DOCS


def test_every_call_and_retry_is_in_its_table() -> None:
    assert {
        name for name, value in vars(calls).items() if any(value is one for one in (*CALLS, *RETRIES))
    } == NAMES


def test_an_attempt_is_never_longer_than_all_together() -> None:
    for call in CALLS:
        assert 0 < call.timeout_s(0.05) <= 0.05
        assert call.timeout_s(5.0) == min(call.most_s, call.share * 5.0)


def test_pauses_grow_up_to_a_bound() -> None:
    retry = Retry("it", 0.5, 1.5)
    assert [retry.after(0.0), retry.after(0.5), retry.after(1.0), retry.after(1.5)] == [0.5, 1.0, 1.5, 1.5]


def test_a_caller_cannot_make_anybody_work_for_ever() -> None:
    assert (budget_s(1500), budget_s(10**9), budget_s(-5)) == (1.5, 30.0, 0.0)
    assert owner_s(1000) == 0.8
