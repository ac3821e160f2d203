"""`chat`: users in private pairs and groups, beside the bare script that appends a message."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Annotated, Any, Final

import typer

from danmaku.caller import Caller, CallFailed
from danmaku.conversation import group, private
from loadtest import options, talkers
from loadtest.bare import Bare, bare_append
from loadtest.crowd import Helper, helper
from loadtest.figures import Result, histogram, median_points, percentiles, summary, tallied, total
from loadtest.processes import Family, Meter
from loadtest.scenario import OnService
from loadtest.service import Service
from loadtest.view import View

_COUNTED: Final = (
    "offered", "acknowledged", "unanswered", "expected", "delivered", "lost", "duplicates", "out_of_order",
)  # fmt: skip
_MEASURED: Final = (
    "acknowledged_per_s", "deliveries_per_s", "cpu_us_per_message", "cpu_us_per_delivery", "client_cpu_s",
    "bare_appends_per_s", "bare_cpu_us_per_append", "ratio_to_bare",
)  # fmt: skip
_BY_NAME: Final = "ack_latency_ms", "cpu_us_per_message_of"
_WARM_UP_S: Final = 2.0  # until edges know who belongs to what
_CALLS: Final = 8  # at one time
_TOKEN_S: Final = 24 * 3600


@dataclass(frozen=True, slots=True)
class Cast:
    """Who is there. receivers: how many hear a message of each conversation."""

    plans: list[talkers.Plan]
    receivers: dict[str, int]


@dataclass(frozen=True, slots=True)
class Chat(OnService):
    """Private and group chat: each user talks with one other, and some belong to groups.

    All conversations take turns, and so do those who are in them. Every message is checked by all who are
    to hear it, its sender included: does it come by itself, once and in order? Where the store can be
    reached, the script that appends a message runs beside it, over pipelined redis-py from one process.
    With a rate above what the service can do, acknowledged_per_s is what it can do.

    Example: python -m loadtest chat --users 400 --rate 2000
    """

    users: Annotated[int, typer.Option(min=2, help="Users, each with one connection; two make a pair.")] = 200
    groups: Annotated[int, typer.Option(min=0, max=1000, help="Groups.")] = 1
    members: Annotated[int, typer.Option(min=2, max=5000, help="Users in each group.")] = 50
    rate: Annotated[float, typer.Option(min=0.1, help="Messages per second, over all conversations.")] = 500.0
    text: Annotated[int, typer.Option(min=talkers.STAMP_DIGITS, max=5000, help="Letters of a message.")] = 40
    seconds: options.Seconds = 10.0
    rounds: options.Rounds = 5
    processes: options.Processes = 1
    workers: options.Workers = 1
    bare: Annotated[bool, typer.Option("--bare/--no-bare", help="Run the bare append script beside it.")] = (
        True
    )
    pipelined: Annotated[
        int, typer.Option(min=1, max=10_000, help="Calls that the bare script sends at one time.")
    ] = 100
    store: Annotated[
        str, typer.Option(metavar="URL", help="With --url: the service's store, for the bare script.")
    ] = ""

    @property
    def role(self) -> str:
        return "admin"  # who makes the users' tokens

    def settings(self) -> dict[str, str]:
        return {"DANMAKU_CHAT_GROUP_MEMBERS": "5000", "DANMAKU_EDGE_CONNECTIONS": str(self.users + 15_000)}

    async def run(self, service: Service, view: View) -> Result:
        if self.groups and self.members > self.users:
            raise typer.BadParameter(f"a group of {self.members} needs as many --users, not {self.users}")
        async with AsyncExitStack() as stack:
            view.phase("making users and groups")
            cast = await self._cast(service)
            view.phase("connecting")
            talking = [
                await stack.enter_async_context(helper(talkers.main, plan, None)) for plan in cast.plans
            ]
            for one in talking:
                await one.hear()
            view.say(f"{self.users} users are connected, in {len(cast.receivers)} conversations")
            below, store = None, self.store or service.store
            if self.bare and store:
                appending = bare_append(store, len(cast.receivers), self.text, self.pipelined)
                below = await stack.enter_async_context(appending)
            view.phase("warming up")
            heads: dict[str, int] = {}
            whole = Family(service.pid)
            await self._talk(talking, cast, heads, whole, min(self.seconds, _WARM_UP_S))
            rounds: list[Result] = []
            for number in range(self.rounds):
                name = f"window {number + 1} of {self.rounds}"
                bare = await self._beside(below, view, name)
                view.phase(name)
                rounds.append(bare | await self._talk(talking, cast, heads, whole, self.seconds))
                _compare(rounds[-1])
                view.say(_line(rounds[-1]))
        medians = {name: median_points([one[name] for one in rounds]) for name in _BY_NAME}
        return {"conversations": len(cast.receivers), **summary(rounds, _COUNTED, _MEASURED), **medians}

    async def _beside(self, below: Bare | None, view: View, name: str) -> Result:
        if below is None:
            return {}
        view.phase(f"{name}: the bare script")
        appended, cpu = await below.window(self.seconds)
        return {
            "bare_appends_per_s": appended / self.seconds,
            "bare_cpu_us_per_append": cpu / max(appended, 1) * 1e6,
        }

    async def _talk(
        self, talking: list[Helper], cast: Cast, before: dict[str, int], whole: Family, seconds: float
    ) -> Result:
        """A window. `before`: the heads that were reached until now, brought up to date."""
        meter = Meter(whole)
        meter.start()
        for one in talking:
            one.say(seconds)
        said = [await one.hear() for one in talking]
        heads: dict[str, int] = {}
        for conv, head in (pair for one in said for pair in one["heads"].items()):
            heads[conv] = max(head, heads.get(conv, 0))
        for one in talking:
            one.say(heads)
        heard = [await one.hear() for one in talking]
        cpu_s = meter.stop()
        result: Result = total(said, ("offered", "acknowledged", "unanswered"))
        result["refused"] = tallied(one["refused"] for one in said)
        new = {conv: head - before.get(conv, 0) for conv, head in heads.items()}
        result["expected"] = sum(count * cast.receivers[conv] for conv, count in new.items())
        before.update(heads)
        result |= total(heard, ("delivered", "lost", "duplicates", "out_of_order"))
        took_s = max(seconds, *(one["took_s"] for one in said))
        result["acknowledged_per_s"] = result["acknowledged"] / took_s
        result["deliveries_per_s"] = result["delivered"] / took_s
        result["ack_latency_ms"] = percentiles(histogram(one["ack_latency"] for one in said))
        result["latency_ms"] = percentiles(histogram(one["latency"] for one in heard))
        result["client_cpu_s"] = sum(one["cpu_s"] for one in heard)
        return result | _costs(cpu_s, result["acknowledged"], result["delivered"])

    async def _cast(self, service: Service) -> Cast:
        """New users, their tokens, their groups; who sits in which process. Raises ConnectionError."""
        run = secrets.token_hex(4)
        uids = [f"load-{run}-{number}" for number in range(self.users)]
        tokens = await self._tokens(service, uids)
        gids = {
            f"load-{run}-{number}": [
                uids[(number * self.members + one) % self.users] for one in range(self.members)
            ]
            for number in range(self.groups)
        }
        await _in_parallel(
            lambda gid: _caller(service, tokens[gids[gid][0]]).post(
                "/v1/groups", {"gid": gid, "name": gid, "members": gids[gid][1:]}
            ),
            list(gids),
        )
        pairs = [uids[one : one + 2] for one in range(0, self.users - 1, 2)]
        convs = {private(*pair): pair for pair in pairs} | {group(gid): them for gid, them in gids.items()}
        return Cast(self._plans(service, tokens, convs), {conv: len(them) for conv, them in convs.items()})

    async def _tokens(self, service: Service, uids: list[str]) -> dict[str, str]:
        admin = _caller(service, service.token)
        made = await _in_parallel(
            lambda uid: admin.post("/v1/tokens", {"uid": uid, "ttl_s": _TOKEN_S})["access_token"], uids
        )
        return dict(zip(uids, made, strict=True))

    def _plans(
        self, service: Service, tokens: dict[str, str], convs: dict[str, list[str]]
    ) -> list[talkers.Plan]:
        """Pairs are dealt out; of a group those speak who sit with its first member."""
        count = min(self.processes, self.users // 2)
        uids = list(tokens)
        seat = {uid: min(number // 2, self.users // 2 - 1) % count for number, uid in enumerate(uids)}
        plans = []
        for process in range(count):
            people = [uid for uid in uids if seat[uid] == process]
            place = {uid: number for number, uid in enumerate(people)}
            turns = tuple(
                (conv, tuple(place[uid] for uid in them if uid in place))
                for conv, them in convs.items()
                if seat[them[0]] == process
            )
            rate = self.rate * len(turns) / len(convs)
            logins = tuple((uid, tokens[uid]) for uid in people)
            plans.append(talkers.Plan(service.host, service.port, logins, turns, rate, self.text, process))
        return plans


def _caller(service: Service, token: str) -> Caller:
    return Caller(f"http://{service.host}:{service.port}", token)


async def _in_parallel(call: Callable[[str], Any], words: list[str]) -> list[Any]:
    """What `call` says of each word; some at one time. Raises ConnectionError."""
    turn = asyncio.Semaphore(_CALLS)

    async def one(word: str) -> Any:
        async with turn:
            return await asyncio.to_thread(call, word)

    try:
        return list(await asyncio.gather(*map(one, words)))
    except CallFailed as failed:
        raise ConnectionError(str(failed)) from None


def _costs(cpu_s: dict[str, float], messages: int, deliveries: int) -> Result:
    """CPU of the service's processes, over what was acknowledged and delivered."""
    costs: Result = {"cpu_s": cpu_s}
    costs["cpu_us_per_message_of"] = {kind: spent / max(messages, 1) * 1e6 for kind, spent in cpu_s.items()}
    if cpu_s:
        costs["cpu_us_per_message"] = sum(cpu_s.values()) / max(messages, 1) * 1e6
        costs["cpu_us_per_delivery"] = sum(cpu_s.values()) / max(deliveries, 1) * 1e6
    return costs


def _compare(result: Result) -> None:
    if result.get("bare_appends_per_s"):
        result["ratio_to_bare"] = result["acknowledged_per_s"] / result["bare_appends_per_s"]


def _line(result: Result) -> str:
    ack, heard = result["ack_latency_ms"], result["latency_ms"]
    parts = [
        f"acknowledged {result['acknowledged']}/{result['offered']}, {result['acknowledged_per_s']:.0f}/s",
        f"after p50 {ack['p50']:.1f} ms p99 {ack['p99']:.1f} ms",
        f"delivered {result['delivered']}/{result['expected']}",
        f"after p50 {heard['p50']:.1f} ms p99 {heard['p99']:.1f} ms",
        f"{result['lost']} lost, {result['duplicates']} twice, {result['out_of_order']} out of order",
    ]
    if "cpu_us_per_message" in result:
        parts.append(f"{result['cpu_us_per_message']:.0f} µs CPU each")
    if "ratio_to_bare" in result:
        parts.append(
            f"{result['ratio_to_bare']:.2f} × the bare script's {result['bare_appends_per_s']:.0f}/s"
        )
    if result["refused"]:
        parts.append(f"refused {result['refused']}")
    return ", ".join(parts)
