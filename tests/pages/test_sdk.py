"""The JavaScript SDK without a browser: in Node, as an npm package, and beside the one for Python."""

from __future__ import annotations

import json
import random
import re
import shutil
import tomllib
from pathlib import Path
from typing import Any

import pytest

from danmaku.client.conversations import ChatReader, Gap
from danmaku.client.pace import Pace, Timing
from danmaku.wire_chat import Chat, Pulled
from tests.pages.node import JAVASCRIPT, run
from tests.pages.test_modules import MODULES

ROOT = Path(__file__).parents[2]
SDK = ROOT / "edge" / "pages" / "sdk"
CONVS = ["g:a", "g:b", "p:x:y"]
OF_PAGES = re.compile(r'from "/(?!sdk/)')

CONSUMER = """
import { Client, Refusal, msgpack, takesBack } from "danmaku-client";

const client: Client = new Client("http://127.0.0.1:1", { token: async () => "t", chat: true });
export async function main(): Promise<void> {
  const room = await client.join("demo", { since: { epoch: 1, seq: 2 } });
  for await (const item of room) {
    if (item.kind === "comment") console.log(item.text.length + item.color, item.position.seq);
    if (item.kind === "gift" && item.amount !== null) console.log(item.amount + 1, item.currency);
    if (item.kind === "recall") console.log(takesBack(item, item));
    // @ts-expect-error: a comment has no such field
    if (item.kind === "comment") console.log(item.amount);
  }
  room.on("stats", (stats) => console.log(stats.viewers + 1));
  room.on("end", (refusal) => console.log(refusal?.retryMs));
  for await (const message of client.chat.messages()) console.log(message.text, message.seq);
  // @ts-expect-error: a mode is one of three
  await room.send("hi", { mode: "spin" });
}
console.log(typeof msgpack, new Refusal("muted", "no").retryable);
"""


def test_it_works_in_node() -> None:
    modules = [path for path in MODULES if not OF_PAGES.search(path.read_text(encoding="utf-8"))]
    assert len(modules) > 8
    said = run("node", "--no-warnings", "run.js", *map(str, modules), "msgpack.test.js")
    assert int(said.split()[0]) > 60


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package as npm would publish it, installed for a program."""
    folder = tmp_path_factory.mktemp("package")
    sources = folder / "sdk"
    shutil.copytree(SDK, sources, ignore=shutil.ignore_patterns("types", "node_modules"))
    run("npm", "pack", "--silent", cwd=sources)
    [packed] = sources.glob("*.tgz")
    run("tar", "-xzf", str(packed), "-C", str(folder), cwd=sources)
    modules = folder / "program" / "node_modules"
    modules.mkdir(parents=True)
    (folder / "package").rename(modules / "danmaku-client")
    return modules / "danmaku-client"


def test_the_package_holds_the_modules_their_types_and_no_more(package: Path) -> None:
    inside = {path.relative_to(package).as_posix() for path in package.rglob("*") if path.is_file()}
    modules = {path.stem for path in SDK.glob("*.js")} - {"messenger"}  # which is for the chat page
    wanted = {f"{name}.js" for name in modules} | {f"types/{name}.d.ts" for name in modules}
    assert inside == wanted | {"package.json", "README.md", "LICENSE"}


def test_the_package_is_of_this_version(package: Path) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    about = json.loads((package / "package.json").read_text(encoding="utf-8"))
    assert (about["version"], about["license"]) == (project["version"], project["license"])
    assert "dependencies" not in about
    assert (package / "LICENSE").read_bytes() == (ROOT / "LICENSE").read_bytes()


def test_a_program_in_typescript_is_checked_against_its_types_and_runs(package: Path) -> None:
    program = package.parent.parent
    (program / "main.mts").write_text(CONSUMER, encoding="utf-8")
    options = "--ignoreConfig --strict --noEmit --target es2022 --module nodenext --lib es2022,dom --types"
    run("tsc", *options.split(), "", "main.mts", cwd=program)
    assert run("node", "--no-warnings", "main.mts", cwd=program).split() == ["function", "true"]


def test_no_address_of_a_registry_is_kept() -> None:
    for path in (*JAVASCRIPT.glob("*.json"), SDK / "package.json"):
        assert "http" not in path.read_text(encoding="utf-8"), path


def test_it_waits_as_the_python_client_waits() -> None:
    runs = [_paces(random.Random(seed)) for seed in range(200)]  # noqa: S311  the same dice each time is the point
    here = json.loads(run("node", "replay.js", "pace", said=json.dumps([calls for calls, _ in runs])))
    for (calls, waits), outcome in zip(runs, here, strict=True):
        for wait_s, found in zip(waits, outcome, strict=True):
            wanted = None if wait_s is None else pytest.approx(wait_s * 1000, abs=0.001)
            assert found == wanted, calls


def _paces(dice: random.Random) -> tuple[list[list[Any]], list[float | None]]:
    """Calls in ms, and the seconds that the Python client waits after each."""
    calls: list[list[Any]] = []
    waits: list[float | None] = []
    chance = 0.0
    pace = Pace(Timing(), lambda: chance)
    now_ms = 0
    for _ in range(30):
        now_ms += dice.choice([0, 10, 2_000, 15_000])
        chance = dice.random()
        verb = dice.choice(["connected", "askedToWait", "wait", "wait"])
        waited = None
        if verb == "connected":
            pace.connected(now_ms / 1000)
            calls.append([verb, chance, now_ms])
        elif verb == "askedToWait":
            retry_ms = dice.randint(0, 20_000)
            pace.asked_to_wait(retry_ms, now_ms / 1000)
            calls.append([verb, chance, retry_ms, now_ms])
        else:
            code = dice.choice([1000, 1006, 4000, 4000, 4099, 4100, 4104, 4400, 4401, 4499, 4500])
            waited = pace.wait(code, now_ms / 1000)
            calls.append([verb, chance, code, now_ms])
        waits.append(waited)
    return calls, waits


def test_all_conversations_are_read_as_the_python_client_reads_them() -> None:
    runs = [_Chats(seed) for seed in range(200)]
    here = json.loads(run("node", "replay.js", "chat", said=json.dumps([one.calls for one in runs])))
    assert any(missed for one in runs for *_, missed in one.outcome)
    for one, outcome in zip(runs, here, strict=True):
        assert outcome == one.outcome, one.calls


class _Chats:
    """Random calls to the reader of all conversations, in ms, and what the Python client made of them."""

    def __init__(self, seed: int) -> None:
        self._dice = random.Random(seed)  # noqa: S311  the same dice each time is the point
        self._now_ms = 0
        positions = {conv: self._dice.randint(0, 9) for conv in CONVS if self._dice.random() < 0.3}
        self._reader = ChatReader(positions)
        self.outcome: list[list[Any]] = []
        self.calls: list[list[Any]] = [[positions]]
        for _ in range(40):
            self._call()

    def _call(self) -> None:
        self._now_ms += self._dice.choice([0, 61, 503])  # never just when something is due
        now, dice, reader = self._now_ms / 1000, self._dice, self._reader
        conv = dice.choice(CONVS)
        verb = dice.choice(["begin", "take", "take", "take", "heads", "synced", "pull", "pull", "failed"])
        if verb == "begin":
            position = dice.randint(0, 9)
            reader.begin(conv, position)
            self._did([verb, conv, position], None)
        elif verb == "take":
            message = self._message(conv, self._seq(conv))
            self._did([verb, _frame(message), self._now_ms], _seen(reader.take(message, now)))
        elif verb == "heads":
            heads = {one: self._seq(one) for one in CONVS if dice.random() < 0.5}
            reader.heads(heads, now)
            self._did([verb, heads, self._now_ms], None)
        elif verb == "synced":
            last = self._message(conv, self._seq(conv))
            reader.synced(conv, last.seq, last, now)
            self._did([verb, conv, last.seq, _frame(last), self._now_ms], None)
        else:
            self._gaps(verb, dice.randint(1, 3))

    def _gaps(self, verb: str, most: int) -> None:
        now = self._now_ms / 1000
        gaps = self._reader.gaps(now, most)
        told = [{"conv": gap.conv, "after": gap.after} for gap in gaps]
        self._did(["gaps", self._now_ms, most], told)
        if verb == "failed":
            self._reader.failed(gaps, now, 0.25)
            self._did([verb, told, self._now_ms, 250], None)
            return
        answers = [self._answer(gap) for gap in gaps if self._dice.random() < 0.8]
        frames = [
            {"conv": one.conv, "messages": [_frame(message) for message in one.messages]}
            | {"last_seq": one.last_seq, "more": one.more}
            for one in answers
        ]
        self._did(["pulled", told, frames, self._now_ms], _seen(self._reader.pulled(gaps, answers, now)))

    def _answer(self, gap: Gap) -> Pulled:
        seqs = sorted(self._dice.sample(range(gap.after + 1, gap.after + 8), self._dice.randint(0, 4)))
        end = seqs[-1] if seqs else gap.after
        last_seq = max(0, end + self._dice.choice([-3, 0, 0, 0, 2]))
        messages = [self._message(gap.conv, seq) for seq in seqs]
        return Pulled(gap.conv, messages, last_seq, self._dice.random() < 0.3)

    def _did(self, call: list[Any], found: Any) -> None:
        due = None if self._reader.due is None else round(self._reader.due * 1000)
        self.calls.append(call)
        self.outcome.append([found, due, self._reader.positions, self._reader.missed])

    def _seq(self, conv: str) -> int:
        return max(1, self._reader.positions.get(conv, 0) + self._dice.randint(-4, 5))

    def _message(self, conv: str, seq: int) -> Chat:
        """Mostly the one that has this seq; now and then another."""
        cid = f"c{seq}" if self._dice.random() < 0.9 else "another"
        return Chat(conv=conv, seq=seq, from_="ann", at=1, kind="message", cid=cid)


def _frame(message: Chat) -> dict[str, Any]:
    return {"t": "chat", "conv": message.conv, "seq": message.seq, "kind": message.kind, "from": "ann"} | {
        "cid": message.cid
    }


def _seen(shown: list[Chat]) -> list[list[Any]]:
    return [[one.conv, one.seq] for one in shown]
