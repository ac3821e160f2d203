"""The page's modules, tested in the browser that runs them: `modules/*.test.js`."""

from __future__ import annotations

import json
import random
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page
from websockets.asyncio.server import ServerConnection, serve

from danmaku.client.conversations import ConversationReader
from danmaku.client.reader import Placed, RoomReader
from danmaku.errors import REFUSALS
from danmaku.model import Position
from danmaku.wire import At, Batch, Skip
from danmaku.wire_chat import Chat, Pulled
from tests.pages.conftest import Visitors
from tests.pages.files import respond

pytestmark = pytest.mark.asyncio(loop_scope="session")

MODULES = sorted((Path(__file__).parent / "modules").glob("*.test.js"))
HELPERS = {"replay"}
CONV = "g:team"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def tab(browser: Browser) -> AsyncIterator[tuple[Visitors, Page]]:
    """A page with nothing on it, from a server that has all modules, for one test after the other."""
    visitors = Visitors(browser)
    async with serve(_hang_up, "127.0.0.1", 0, process_request=respond) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        yield visitors, await visitors.open(f"http://127.0.0.1:{port}/modules/blank.html")
        await visitors.close()  # first: the server waits for the connections that Chromium opened in advance


@pytest_asyncio.fixture(loop_scope="session")
async def blank(tab: tuple[Visitors, Page]) -> AsyncIterator[Page]:
    """The page as if it had just been opened. It may not complain."""
    visitors, page = tab
    await page.reload()
    yield page
    assert visitors.complaints == []


async def _hang_up(connection: ServerConnection) -> None:
    await connection.close()


def _tests() -> list[tuple[str, str]]:
    found = []
    for module in MODULES:
        names = re.findall(r"^export (?:async )?function (\w+)", module.read_text(encoding="utf-8"), re.M)
        found += [(module.name, name) for name in names if name not in HELPERS]
    return found


async def _module(page: Page, module: str, function: str, *arguments: Any) -> Any:
    call = "async ([module, name, given]) => (await import(`/modules/${module}`))[name](...given)"
    return await page.evaluate(call, [module, function, list(arguments)])


@pytest.mark.parametrize(("module", "test"), _tests())
async def test_module(blank: Page, module: str, test: str) -> None:
    await _module(blank, module, test)


async def test_the_same_refusals_are_worth_a_retry(blank: Page) -> None:
    for names, retry in (("RETRYABLE", True), ("FINAL", False)):
        here = await blank.evaluate(f"async () => [...(await import('/sdk/protocol.js')).{names}]")
        assert sorted(here) == sorted(name for name, kind in REFUSALS.items() if kind.retry is retry)


async def test_the_reader_does_what_the_python_client_does(blank: Page) -> None:
    """The recovery protocol has one meaning: both get the same calls, sensible and not."""
    runs = [_Run(seed) for seed in range(300)]
    here = json.loads(
        await _module(blank, "reader.test.js", "replay", json.dumps([run.script for run in runs]))
    )
    assert any(shown for run in runs for shown, *_ in run.outcome)
    for run, outcome in zip(runs, here, strict=True):
        assert outcome == run.outcome, run.script


async def test_conversations_are_read_as_the_python_client_reads_them(blank: Page) -> None:
    runs = [_ChatRun(seed) for seed in range(300)]
    here = json.loads(
        await _module(blank, "conversations.test.js", "replay", json.dumps([run.calls for run in runs]))
    )
    assert any(missed for run in runs for *_, missed in run.outcome)
    for run, outcome in zip(runs, here, strict=True):
        assert outcome == run.outcome, run.calls


class _ChatRun:
    """Random calls to the reader of one conversation, in ms, and what the Python client made of them."""

    def __init__(self, seed: int) -> None:
        self._dice = random.Random(seed)  # noqa: S311  the same dice each time is the point
        self._reader = ConversationReader()
        self._now_ms = 0
        self.outcome: list[list[Any]] = []
        self.calls = [self._call() for _ in range(40)]

    def _call(self) -> list[Any]:
        self._now_ms += self._dice.choice([0, 61, 503])  # never just when something is due
        now = self._now_ms / 1000
        verb = self._dice.choice(
            ["take", "take", "take", "hear", "synced", "ask", "pulled", "pulled", "failed"]
        )
        if verb == "take":
            message = self._message(self._seq())
            return self._did([verb, _chat_frame(message)], _seen(self._reader.take(message, now)))
        if verb == "hear":
            last_seq = self._seq()
            self._reader.hear(last_seq, now)
            return self._did([verb, last_seq], None)
        if verb == "synced":
            last = self._message(self._seq()) if self._dice.random() < 0.5 else None
            last_seq = self._seq() if last is None else last.seq
            self._reader.synced(last_seq, last, now)
            return self._did([verb, last_seq, None if last is None else _chat_frame(last)], None)
        if verb == "ask":
            return self._did([verb], self._reader.ask(now))
        if verb == "failed":
            self._reader.failed(now)
            return self._did([verb], None)
        after, answer = self._pulled()
        frame: dict[str, Any] = {"conv": CONV, "messages": [_chat_frame(one) for one in answer.messages]}
        frame |= {"last_seq": answer.last_seq, "more": answer.more}
        frame |= {} if answer.error is None else {"error": answer.error}
        return self._did([verb, after, frame], _seen(self._reader.pulled(after, answer, now)))

    def _pulled(self) -> tuple[int, Pulled]:
        """After the position, or after what it may have been before."""
        after = self._reader.position if self._dice.random() < 0.8 else self._seq()
        if self._dice.random() < 0.1:
            return after, Pulled(CONV, [], 0, error=self._dice.choice(["unavailable", "not_a_member"]))
        seqs = sorted(self._dice.sample(range(after + 1, after + 8), self._dice.randint(0, 4)))
        end = seqs[-1] if seqs else after
        last_seq = max(0, end + self._dice.choice([-3, 0, 0, 0, 2]))
        return after, Pulled(CONV, [self._message(seq) for seq in seqs], last_seq, self._dice.random() < 0.3)

    def _did(self, call: list[Any], found: Any) -> list[Any]:
        reader = self._reader
        due = None if reader.due is None else round(reader.due * 1000)
        self.outcome.append([found, reader.position, due, reader.missed])
        return [*call, self._now_ms]

    def _seq(self) -> int:
        return max(1, self._reader.position + self._dice.randint(-4, 5))

    def _message(self, seq: int) -> Chat:
        """Mostly the one that has this seq; now and then another, or a trace of it."""
        dice = self._dice.random()
        if dice < 0.1:
            return Chat(conv=CONV, seq=seq, kind="gone")
        cid = f"c{seq}" if dice < 0.95 else "another"
        return Chat(conv=CONV, seq=seq, from_="ann", at=1, kind="message", cid=cid)


def _chat_frame(message: Chat) -> dict[str, Any]:
    return {"t": "chat", **msgspec.to_builtins(message)}


def _seen(shown: list[Chat]) -> list[list[Any]]:
    return [[one.seq, one.cid or None] for one in shown]


class _Run:
    """Random calls, as a script for the page, and what the Python client made of them."""

    def __init__(self, seed: int) -> None:
        self._dice = random.Random(seed)  # noqa: S311  the same dice each time is the point
        start = Position(1, self._dice.randint(0, 5)) if self._dice.random() < 0.7 else None
        hold_items = self._dice.randint(1, 10)
        self._reader = RoomReader(start, hold_items=hold_items)
        self.outcome: list[list[Any]] = []
        calls = [self._call() for _ in range(30)]
        position = None if start is None else _place(start)
        self.script = {"position": position, "holdItems": hold_items, "calls": calls}

    def _call(self) -> list[Any]:
        verb = self._dice.choice(["take", "take", "take", "skip", "stats", "history", "joined", "lost"])
        if verb == "take":
            batch = self._batch()
            return self._did(["take", _batch_frame(batch)], self._reader.take(batch))
        if verb == "skip":
            first = self._position()
            prev = At.of(self._position()) if self._dice.random() < 0.3 else None
            skip = Skip("r", first.epoch, first.seq, first.seq + self._dice.randint(0, 3), prev)
            frame = msgspec.to_builtins(skip)
            return self._did(["take", frame], self._reader.take(skip))
        if verb == "stats":
            head = self._position()
            self._reader.stats(head)
            return self._did(["stats", _place(head)], [])
        if verb == "lost":
            self._reader.lost()
            return self._did(["lost"], [])
        batches = sorted(
            (self._batch() for _ in range(self._dice.randint(0, 3))), key=lambda one: (one.epoch, one.seq)
        )
        frames, complete = [_batch_frame(one) for one in batches], self._dice.random() < 0.5
        if verb == "history":
            since = self._reader.position
            placed = self._reader.history(since, batches, complete=complete)
            return self._did(["history", _place(since), frames, complete], placed)
        known, head = self._reader.since, self._position()
        placed = self._reader.joined(known, head, batches, complete=complete)
        said = None if known is None else _place(known)
        return self._did(["joined", said, _place(head), frames, complete], placed)

    def _did(self, call: list[Any], placed: list[Placed]) -> list[Any]:
        reader = self._reader
        gap = reader.gap
        self.outcome.append(
            [
                [list(one.position) for one in placed],
                list(reader.position),
                None if gap is None else list(gap),
                reader.missed,
                reader.skipped,
            ]
        )
        return call

    def _position(self) -> Position:
        return Position(self._dice.randint(0, 3), self._dice.randint(1, 12))

    def _batch(self) -> Batch:
        first = self._position()
        items = [msgspec.Raw(b"{}")] * self._dice.randint(1, 4)
        prev = At.of(self._position()) if self._dice.random() < 0.3 else None
        return Batch("r", first.epoch, first.seq, 1, items, prev)


def _batch_frame(batch: Batch) -> dict[str, Any]:
    frame: dict[str, Any] = {"t": "batch", "room": "r", "epoch": batch.epoch, "seq": batch.seq, "at": 1}
    frame["items"] = [{"k": "gone"} for _ in batch.items]
    if batch.prev is not None:
        frame["prev"] = _place(batch.prev.position)
    return frame


def _place(position: Position) -> dict[str, int]:
    return {"epoch": position.epoch, "seq": position.seq}
