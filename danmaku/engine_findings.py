"""What is right and wrong with a bus and a store, judged by what their servers say of themselves. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from danmaku.finding import Finding, State

SLOTS: Final = 16_384  # of a cluster
_CLOCK_S: Final = 2.0
_STORE_MAJOR: Final = 7
_SENTINELS: Final = 3  # fewer cannot agree when one is gone


@dataclass(frozen=True)
class Facts:
    """What one server of the store says of itself. `config` is empty where it may not be asked for that."""

    where: str
    version: str
    apart_s: float
    role: str
    replicas: int
    config: Mapping[str, str] = field(default_factory=dict)


class Seen(NamedTuple):
    """By a sentinel: how many other ones, and how many replicas, those that are away included."""

    sentinels: int
    replicas: int


def answering(there: Sequence[str], failed: Mapping[str, str]) -> Finding:
    """Which servers of the bus answer, and why the others do not."""
    mend = "start that server, or correct nats.url"
    if not there:
        return Finding("nats", "broken", "; ".join(failed.values()), mend)
    if failed:
        text = f"{len(there)} of {len(there) + len(failed)} answer; {'; '.join(failed.values())}"
        return Finding("nats", "warning", text, mend)
    return Finding("nats", "ok", f"{there[0]} answers" if len(there) == 1 else f"{len(there)} servers answer")


def together(unheard: Sequence[str]) -> Finding:
    """Where nothing is heard of what is said at the first server."""
    if unheard:
        text = f"what is said at one server is not heard at {', '.join(unheard)}"
        return Finding("nats cluster", "broken", text, "look at `cluster` in their configuration")
    return Finding("nats cluster", "ok", "what is said at one server is heard at all")


def standing(where: str, facts: Sequence[Facts], slots: int = SLOTS) -> Finding:
    """Whether all of it is there, new enough, and goes by our clock."""
    for one in facts:
        if int(one.version.partition(".")[0]) < _STORE_MAJOR:
            text = f"{one.where} has version {one.version}"
            return Finding("store", "broken", text, "use Valkey, or Redis 7 or newer")
        if one.role != "master":
            text = f"{one.where} is a replica: nothing can be written there"
            return Finding("store", "broken", text, "name the primary, or set store.kind")
    if slots < SLOTS:
        text = f"{SLOTS - slots} slots of the cluster are at no server"
        return Finding("store", "broken", text, "start the missing servers")
    apart = max((one.apart_s for one in facts), key=abs)
    if abs(apart) > _CLOCK_S:
        text = f"{where} answers; its clock is {abs(apart):.0f} s away from ours"
        return Finding("store", "warning", text, "let both machines set their clocks by NTP")
    versions = ", ".join(sorted({one.version for one in facts}))
    who = f"{where} answers" if len(facts) == 1 else f"{len(facts)} primaries answer"
    return Finding("store", "ok", f"{who}, version {versions}")


def durability(facts: Sequence[Facts]) -> Finding:
    """Whether what is acknowledged is on disk."""
    known = [one for one in facts if one.config]
    if not known:
        mend = "allow `config|get`, or see for yourself that appendonly is yes and appendfsync always"
        return Finding("store disk", "warning", "it may not be asked for its configuration", mend)
    for one in known:
        if one.config["appendonly"] != "yes":
            text = f"{one.where} has appendonly {one.config['appendonly']}: what is acknowledged goes with it"
            return Finding("store disk", "warning", text, "appendonly yes, appendfsync always")
        if one.config["appendfsync"] != "always":
            fsync = one.config["appendfsync"]
            text = f"{one.where} has appendfsync {fsync}: a power failure takes the last moment"
            return Finding("store disk", "warning", text, "appendfsync always")
    return Finding("store disk", "ok", "what is acknowledged is on disk")


def memory(facts: Sequence[Facts]) -> Finding:
    """Whether it keeps what it has."""
    for one in facts:
        policy = one.config.get("maxmemory-policy", "noeviction")
        if policy != "noeviction":
            state: State = "warning" if one.config.get("maxmemory", "0") == "0" else "broken"
            text = f"{one.where} has maxmemory-policy {policy}: it throws away what it likes"
            return Finding("store memory", state, text, "maxmemory-policy noeviction")
    return Finding("store memory", "ok", "nothing is thrown away for lack of memory")


def copies(wanted: int, facts: Sequence[Facts], known: int = 0) -> Finding:
    """Whether a server may die. wanted: store.replicas; known: how many replicas sentinels know of."""
    name = "store replicas"
    least = min(facts, key=lambda one: one.replicas)
    there = max(one.replicas for one in facts)
    most = max(known, there)
    text = f"{least.where} has {least.replicas} replicas"
    if least.replicas < wanted:
        text += f", store.replicas is {wanted}: nothing of chat is acknowledged"
        return Finding(name, "broken", text, "start the missing replicas")
    if not least.replicas:
        return Finding(name, "warning", f"{text}: nobody takes over for it", "give it a replica")
    if least.replicas < there:
        text += f", another primary {there}: any may take over, and {wanted} have what is acknowledged"
        return Finding(name, "warning", text, "give each primary the same number of replicas")
    if wanted < most:
        text = f"any of {most} replicas may take over, and {wanted} have what is acknowledged: it may be lost"
        mend = f"store.replicas = {most}, where chat may wait while one of them is away"
        if known > there:
            mend = f"start the {known - there} that are away, or SENTINEL RESET where they are gone for good"
        return Finding(name, "warning", text, mend)
    text = f"all {wanted} replicas have what is acknowledged; while one is away, nothing of chat is"
    return Finding(name, "ok", text)


def deposed(facts: Sequence[Facts]) -> Finding:
    """Whether a primary that hung while sentinels replaced it takes comments before it is told so."""
    for one in facts:
        if one.config.get("min-replicas-to-write") == "0":
            text = f"{one.where} writes without replicas: what it takes after it was replaced is lost"
            mend = "two replicas, and min-replicas-to-write 1"
            return Finding("store replaced", "warning", text, mend)
    return Finding("store replaced", "ok", "without replicas nothing is taken, as far as is known")


def watching(configured: int, seen: Mapping[str, Seen | str], *, vouched: bool) -> Finding:
    """`seen`: by each sentinel, or why it does not say that. vouched: a majority stands by the primary."""
    name, mend = "store sentinels", "start the missing sentinels; they need each other to agree"
    if not vouched:
        text = "no majority of them says that the primary is not being replaced: nothing is acknowledged"
        mend = "name all of them in store.url, and let them be asked: SENTINEL IS-MASTER-DOWN-BY-ADDR"
        return Finding(name, "broken", text, mend)
    failed = [f"{where}: {why}" for where, why in seen.items() if isinstance(why, str)]
    if failed:
        return Finding(
            name, "warning", f"{len(failed)} of {configured} do not answer; {'; '.join(failed)}", mend
        )
    least = 1 + min(one.sentinels for one in seen.values() if not isinstance(one, str))
    if least < _SENTINELS:
        return Finding(
            name, "warning", f"{least} know of each other: one that dies may be one too many", mend
        )
    return Finding(name, "ok", f"{least} know of each other")
