"""All come at once: how fast they get in, and what those who are there already notice of it."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from dataclasses import replace

from loadtest import fanout, processes
from loadtest.crowd import crowd
from loadtest.fanout import Result, Say
from loadtest.service import Service

_SLICE_S = 0.5


async def run(plan: fanout.Fanout, newcomers: int, service: Service, say: Say) -> Result:
    """`plan.viewers` watch `plan.rate` comments a second, quietly and then while `newcomers` join the same
    room. Returns the figures under stable keys. Raises ConnectionError."""
    async with AsyncExitStack() as stack:
        own = processes.family(service.pid) if service.pid else []
        people = await stack.enter_async_context(fanout.viewers(plan, service.host, service.port))
        watching, _ = await people.joined()
        senders = [
            await stack.enter_async_context(fanout.sender(plan, service, n)) for n in range(fanout.SENDERS)
        ]
        quiet = await fanout.window(plan, people, senders, None, own)
        say(f"{watching} viewers watch, p99 {quiet['latency_ms']['p99']:.0f} ms")
        storm = await stack.enter_async_context(
            crowd(
                service.host, service.port, plan.room, newcomers, plan.protocol,
                processes=plan.swarms, first_address=500,
            )
        )  # fmt: skip
        await storm.ready()
        before, spent = processes.edge_rss(own), processes.edge_cpu_s(own)
        joining = asyncio.create_task(storm.joined())
        stormy: list[Result] = []
        while not joining.done():  # as long as the storm lasts
            part = replace(plan, seconds=_SLICE_S)
            stormy.append(await fanout.window(part, people, senders, None, own))
        joined, seconds = await joining
        grown = processes.edge_rss(own) - before
        edge_cpu_s = processes.edge_cpu_s(own) - spent
        after = await fanout.window(plan, people, senders, None, own)
    windows = [quiet, *stormy, after]
    result: Result = {
        "viewers": watching,
        "newcomers": newcomers,
        "joined": joined,
        "storm_s": seconds,
        "connect_per_s": joined / seconds,
        **{key: sum(part[key] for part in windows) for key in ("expected", "delivered", "lost", "closed")},
        "quiet_latency_ms": quiet["latency_ms"],
        "stormy_latency_ms": {
            name: max(part["latency_ms"][name] for part in stormy) for name in quiet["latency_ms"]
        },
        "after_latency_ms": after["latency_ms"],
        "edge_cpu_us_per_join": edge_cpu_s / joined * 1e6,
    }
    if own:
        result["rss_bytes_per_viewer"] = grown / joined
    return result
