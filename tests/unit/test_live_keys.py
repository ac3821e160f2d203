"""Every setting that can be adjusted takes effect: somebody reads it each time, or is told of it."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

import pytest

from config.live import LIVE
from config.settings import Policy
from rooms.rules import Rules

ROOT = Path(__file__).parents[2]

# Whoever reads it from its section when it is used, and not when it is made.
READERS = {
    "edge.weight": "edge/node.py",
    "edge.origins": "edge/admission.py",
    "edge.cors": "edge/api/__init__.py",
    "edge.hello_s": "edge/patience.py",
    "edge.recheck_s": "edge/patience.py",
    "edge.heartbeat_s": "edge/gateway.py",
    "edge.slow_s": "edge/patience.py",
    "edge.connections": "edge/admission.py",
    "edge.accepts_per_s": "edge/welcome.py",
    "edge.connections_per_address": "edge/admission.py",
    "edge.address_per_s": "edge/allowance.py",
    "edge.address_burst": "edge/allowance.py",
    "edge.frames_per_s": "edge/session.py",
    "edge.frames_burst": "edge/session.py",
    "edge.pulls_per_s": "edge/session.py",
    "edge.pulls_burst": "edge/session.py",
    "edge.rooms_per_connection": "edge/session.py",
    "edge.linger_s": "edge/feeds.py",
    "edge.fanout_share": "edge/pacing.py",
    "edge.fanout_bytes": "edge/pacing.py",
    "edge.deflate_bytes": "edge/fanout.py",
    "rooms.window_ms": "rooms/pace.py",
    "rooms.batches_per_s": "rooms/pace.py",
    "rooms.batch_items": "rooms/offered.py",
    "rooms.batch_bytes": "rooms/offered.py",
    "rooms.join_history": "edge/viewing.py",
    "rooms.idle_s": "rooms/presence.py",
    "rooms.unsaved_rooms": "rooms/loaded.py",
    "rooms.queue_items": "rooms/owed.py",
    "rooms.auto_create": "rooms/live.py",
    "policy.user_burst": "rooms/policy.py",
    "policy.user_count": "rooms/policy.py",
    "policy.user_per_s": "rooms/policy.py",
    "policy.guest_burst": "rooms/policy.py",
    "policy.guest_count": "rooms/policy.py",
    "policy.guest_per_s": "rooms/policy.py",
    "policy.display_high_per_s": "rooms/room.py",
    "events.paid_pins": "rooms/events.py",
    "events.paid_length": "rooms/events.py",
    "events.paid_pinned": "rooms/events.py",
    "events.voters": "rooms/polls.py",
    "events.guests_may_vote": "rooms/voting.py",
    "review.timeout_ms": "rooms/webhook.py",
    "review.fallback": "rooms/webhook.py",
    "review.at_once": "rooms/asking.py",
    "review.breaker_failures": "rooms/breaker.py",
    "review.breaker_pause_s": "rooms/breaker.py",
    "review.held_kept": "rooms/held.py",
    "review.held_bytes": "rooms/held.py",
    "review.held_s": "rooms/held.py",
    "chat.recall_s": "rooms/reading.py",
    "chat.private": "rooms/membership.py",
    "chat.newcomers_see_history": "danmaku/store/valkey/conversations.py",
    "chat.open_groups": "rooms/membership.py",
    "chat.group_members": "rooms/membership.py",
    "chat.groups_per_user": "rooms/groups.py",
    "chat.blocked_users": "rooms/chat.py",
    "log.slow_ms": "danmaku/retuning.py",
    "tracing.ratio": "danmaku/retuning.py",
    "log.level": "danmaku/logs.py",  # configured again by whoever runs the process, who is told
}
# Looked up by their names: the rules of a room, made anew when any of policy.* is another.
RULES = {f"policy.{name}" for name in Rules.__dataclass_fields__ if name in Policy.__struct_fields__}


@cache
def read_later(path: str) -> set[str]:
    """Names of attributes that are read elsewhere than where something is made; in a lambda it is not yet."""
    found: set[str] = set()

    def look(node: ast.AST, making: bool) -> None:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            making = node.name == "__init__"
        elif isinstance(node, ast.Lambda):
            making = False
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load) and not making:
            found.add(node.attr)
        for child in ast.iter_child_nodes(node):
            look(child, making)

    look(ast.parse((ROOT / path).read_text()), making=True)
    return found


def test_it_is_known_of_each_who_goes_by_it() -> None:
    assert set(READERS) | RULES == set(LIVE)
    assert not set(READERS) & RULES


@pytest.mark.parametrize("key", READERS)
def test_it_is_read_when_it_is_used(key: str) -> None:
    assert key.partition(".")[2] in read_later(READERS[key])
