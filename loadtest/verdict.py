"""What a run comes to: what went wrong in it, and whether it was the load that was asked for. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from loadtest.figures import Result, tallied

_WRONG: Final = {
    "lost": "lost",
    "duplicates": "doubled",
    "out_of_order": "out of order",
    "misdirected": "of another room",
    "passing_duplicates": "doubled for those who came and went",
    "passing_out_of_order": "out of order for those who came and went",
    "slow_duplicates": "doubled for slow viewers",
    "reconnects_too_many": "came back more often than edge workers were restarted",
    "slow_misdirected": "of another room for slow viewers",
}
_MOST: Final = 0.5  # of what was offered
_HELP: Final = {
    "rate_limited": "raise policy.user_count and policy.user_burst (per policy.user_per_s), edge.frames_per_s"
    " and edge.frames_burst, or give the --token of a moderator, streamer or admin, whom"
    " policy.display_high_per_s bounds instead (0: no limit)",
    "slow_mode": "set policy.slow_s to 0, in the room's own settings too, or give the --token of staff",
    "duplicate_text": "set policy.repeat_s to 0",
    "too_long": "raise policy.max_length, or lower --payload",
    "unavailable": "the service cannot follow: lower --rate, or give it more processes",
}
_CHAT_HELP: Final = {
    **_HELP,
    "rate_limited": "16 messages of a connection may wait: lower --rate, or give more --users",
}
_SHED_HELP: Final = "raise policy.display_per_s, or spread --rate over more rooms"


def wrong(figures: Result) -> list[str]:
    """What must not happen, a line for each server that it happened with; empty where all is well."""
    lines = []
    for name, part in _parts(figures):
        found = [f"{part[key]:,} {said}" for key, said in _WRONG.items() if (part.get(key) or 0) > 0]
        if found:
            lines.append(f"{name}{', '.join(found)}")
    return lines


def kept_out(figures: Result) -> list[str]:
    """Where most of the load was refused or left out: how much of it, and what to change; else empty."""
    lines: list[str] = []
    for name, part in _parts(figures):
        offered, shed = part.get("offered") or 0, part.get("shed") or 0
        refused = _refused(part)
        if not offered or sum(refused.values()) + shed <= offered * _MOST:
            continue
        counts = [f"{count:,} refused ({error})" for error, count in refused.items()]
        if shed:
            counts.append(f"{shed:,} left out by the display limit")
        lines.append(
            f"warning: {name}this was not the load that was asked for: "
            f"of {offered:,} offered {', '.join(counts)}"
        )
        helps = _CHAT_HELP if "acknowledged" in part else _HELP
        lines += [f"  {error}: {helps[error]}" for error in refused if error in helps]
        if shed:
            lines.append(f"  display limit: {_SHED_HELP}")
    return lines


def _refused(part: Result) -> dict[str, int]:
    """By name, the most frequent first."""
    counts = tallied([part.get("refused") or {}])
    return dict(sorted(counts.items(), key=lambda one: -one[1]))


def _parts(figures: Result) -> Iterator[tuple[str, dict[str, Any]]]:
    """The figures of each server by name, where there are several; else all of them without one."""
    peers: dict[str, Result] = figures.get("peers") or {"": figures}
    for name, part in peers.items():
        yield (f"{name}: " if name else ""), part
