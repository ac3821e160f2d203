"""`rules`: what an owner's judging costs with everything on, beside what it costs with nothing on."""

from __future__ import annotations

import random
import statistics
import string
from dataclasses import dataclass
from typing import Annotated, Any, Final

import typer

from loadtest import ingester, options
from loadtest.acting import Moderator
from loadtest.figures import Result, summary
from loadtest.ingesting import ingesting, line
from loadtest.scenario import OnService
from loadtest.scenarios.ingest import COUNTED
from loadtest.service import Service
from loadtest.view import View

_UID: Final = "load-viewer"
_NOTHING: Final[dict[str, Any]] = {}
_EVERYTHING: Final[dict[str, Any]] = {
    "members_only": True, "followers_only": True, "min_account_s": 3600, "repeat_s": 30, "unique_s": 30,
    "links": "hold", "max_length": 1000,
}  # fmt: skip
_HAN: Final = 0x4E00, 0x9000


@dataclass(frozen=True, slots=True)
class Rules(OnService):
    """How many comments an owner can judge with all rules on and long lists of words, against with none.

    Windows take turns, so that the ratio does not hang on the hour's mood of the machine: of the CPU time of
    rooms processes for each accepted comment. All comments sent here are fit to be shown.

    Example: python -m loadtest rules --words 50000
    """

    words: Annotated[int, typer.Option(min=0, max=50_000, help="Entries of the list for all rooms.")] = 50_000
    rooms: options.Rooms = 50
    senders: options.Senders = 200
    rate: options.Rate = 5000.0
    text: options.Text = 50
    seconds: options.Seconds = 8.0
    rounds: Annotated[int, typer.Option(min=1, help="Pairs of windows; figures are medians.")] = 5
    display: options.Display = 1_000_000

    @property
    def role(self) -> str:
        return "admin"

    def settings(self) -> dict[str, str]:
        return {"DANMAKU_POLICY_DISPLAY_PER_S": str(self.display)}

    async def run(self, service: Service, view: View) -> Result:
        moderator = Moderator(service)
        sender = {"uid": _UID, "member_of": ["*"], "follows": ["*"], "since": 1}
        token = await moderator.token(sender)
        plan = ingester.Plan(
            service.host, service.port, token, self.rooms, self.senders, self.rate, self.text
        )
        words = listed(self.words)
        without: list[Result] = []
        with_all: list[Result] = []
        async with ingesting(service, plan) as senders:
            try:
                for number in range(self.rounds):
                    for name, kept, settings, list_ in (
                        ("without rules", without, _NOTHING, []),
                        ("with all rules", with_all, _EVERYTHING, words),
                    ):
                        await _put(moderator, settings, list_)
                        view.phase(f"{name}, window {number + 1} of {self.rounds}")
                        kept.append(await senders.window(self.seconds))
                        view.say(f"{name}: {line(kept[-1])}")
            finally:
                await _put(moderator, _NOTHING, [])
        return {
            **summary([*without, *with_all], COUNTED, ("accepted_per_s",)),
            **_compared(without, with_all),
        }


async def _put(moderator: Moderator, settings: dict[str, Any], words: list[str]) -> None:
    """In force a moment later: within a second."""
    await moderator.call("PUT", "/v1/admin/settings", {"settings": settings})
    await moderator.call("PUT", "/v1/admin/words", {"refuse": words})


def listed(words: int) -> list[str]:
    """As many different ones, half Latin and half Chinese, always the same."""
    chance = random.Random(1)  # noqa: S311  nothing secret hangs on it
    found: dict[str, None] = {}
    while len(found) < words:
        if len(found) % 2:
            found["".join(chance.choices(string.ascii_lowercase, k=chance.randint(6, 12)))] = None
        else:
            found["".join(chr(chance.randint(*_HAN)) for _ in range(chance.randint(3, 5)))] = None
    return list(found)


def _compared(without: list[Result], with_all: list[Result]) -> Result:
    """Nothing of a service that is not ours."""
    if not without[0]["cpu_s"]:
        return {}
    bare, judged = (
        statistics.median(part["cpu_s"]["rooms"] / max(part["accepted"], 1) * 1e6 for part in parts)
        for parts in (without, with_all)
    )
    return {
        "rooms_cpu_us_without_rules": bare,
        "rooms_cpu_us_with_rules": judged,
        "comments_ratio": bare / judged,
    }
