"""Real processes: they start in order, come back, say why they died, and never outlive anybody."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from danmaku.supervisor import USELESS, Backoff, Child, Supervisor, place, reason_of
from tests.system.deployment import alive

_QUICK = Backoff(first_s=0.01, most_s=0.05, healthy_s=60)

# Notes its coming and going in the file given, then waits for SIGTERM.
_SERVANT = """
import os, pathlib, signal, sys
book, name = pathlib.Path(sys.argv[1]), sys.argv[2]
def note(word):
    with book.open("a") as file:
        file.write(f"{word} {name} {os.getpid()}\\n")
def leave(*_):
    note("left")
    sys.exit(0)
signal.signal(signal.SIGTERM, leave)
note("came")
while True:
    signal.pause()
"""


def _python(code: str, *words: str) -> list[str]:
    return [sys.executable, "-c", code, *words]


class Book:
    """What the servants wrote down."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "book"
        self.file.touch()

    def lines(self, word: str) -> list[tuple[str, int]]:
        found = (line.split() for line in self.file.read_text().splitlines())
        return [(name, int(pid)) for what, name, pid in found if what == word]

    def child(self, name: str, stage: int = 0, *, waits: bool = True) -> Child:
        async def ready() -> None:
            await until(lambda: name in dict(self.lines("came")))

        argv = _python(_SERVANT, str(self.file), name)
        return Child(name, argv, stage=stage, ready=ready if waits else None, ready_s=20)


@pytest.fixture
def book(tmp_path: Path) -> Book:
    return Book(tmp_path)


async def until(done: Callable[[], bool], deadline_s: float = 20.0) -> None:
    async with asyncio.timeout(deadline_s):
        while not done():  # noqa: ASYNC110  what is waited for happens in another process
            await asyncio.sleep(0.01)


@asynccontextmanager
async def supervised(supervisor: Supervisor) -> AsyncIterator[asyncio.Event]:
    stop = asyncio.Event()
    running = asyncio.create_task(supervisor.run(stop))
    try:
        async with asyncio.timeout(20):
            await supervisor.ready.wait()
        yield stop
    finally:
        stop.set()
        assert await running == 0


async def test_starts_in_order_and_stops_in_reverse(book: Book) -> None:
    children = [book.child("last", 2), book.child("first", 0), book.child("middle", 1)]
    async with supervised(Supervisor(children)):
        assert [name for name, _ in book.lines("came")] == ["first", "middle", "last"]
    assert [name for name, _ in book.lines("left")] == ["last", "middle", "first"]


async def test_each_child_has_a_session_of_its_own(book: Book) -> None:
    supervisor = Supervisor([book.child("one"), book.child("two")])
    async with supervised(supervisor):
        pids = supervisor.pids
        assert {os.getsid(pid) for pid in pids.values()} == set(pids.values())


async def test_a_child_that_dies_comes_back_and_is_told_about(book: Book) -> None:
    ended: list[int] = []
    supervisor = Supervisor([book.child("servant")], backoff=_QUICK, exited=lambda _, pid: ended.append(pid))
    with capture_logs() as logs:
        async with supervised(supervisor):
            first = supervisor.pids["servant"]
            os.kill(first, signal.SIGKILL)
            await until(lambda: len(book.lines("came")) == 2)
            assert supervisor.pids["servant"] != first
    assert "servant died: SIGKILL; it is started again in 0.01 s" in [line["event"] for line in logs]
    assert ended[0] == first


_PLACED = """
import pathlib, signal, sys
from danmaku.supervisor import place
with pathlib.Path(sys.argv[1]).open("a") as file:
    file.write(f"came {place()} 1\\n")
signal.pause()
"""


async def test_whoever_comes_back_has_the_place_of_the_one_before(book: Book) -> None:
    children = [Child(name, _python(_PLACED, str(book.file))) for name in ("one", "two")]
    supervisor = Supervisor(children, backoff=_QUICK)
    async with supervised(supervisor):
        await until(lambda: len(book.lines("came")) == 2)
        os.kill(supervisor.pids["one"], signal.SIGKILL)
        await until(lambda: len(book.lines("came")) == 3)
    places = [place for place, _ in book.lines("came")]
    assert sorted(place.rpartition("/")[2] for place in places) == ["one", "one", "two"]
    assert len(set(places)) == 2
    assert place() == ""  # nobody runs the tests


async def test_a_child_that_keeps_dying_is_started_again_and_again(tmp_path: Path) -> None:
    book = tmp_path / "book"
    write = f"open({str(book)!r}, 'a').write('x'); raise SystemExit(3)"
    with capture_logs() as logs:
        async with supervised(Supervisor([Child("weak", _python(write))], backoff=_QUICK)):
            await until(lambda: book.exists() and len(book.read_text()) >= 4)
    waits = [line["event"] for line in logs if line["event"].startswith("weak died: exit code 3")]
    assert waits[0].endswith("0.01 s")
    assert waits[2].endswith("0.04 s")


async def test_a_child_that_cannot_start_ends_everything(book: Book) -> None:
    async def never() -> None:
        await asyncio.Event().wait()

    broken = Child("broken", _python("raise SystemExit(5)"), stage=1, ready=never)
    with capture_logs() as logs:
        code = await Supervisor([book.child("first"), broken]).run(asyncio.Event())
    assert code == 1
    assert "broken did not start: exit code 5" in [line["event"] for line in logs]
    assert len(book.lines("left")) == 1


async def test_a_child_that_is_never_ready_ends_everything(book: Book) -> None:
    async def never() -> None:
        await asyncio.Event().wait()

    idle = Child("idle", _python(_SERVANT, str(book.file), "idle"), ready=never, ready_s=0.2)
    assert await Supervisor([idle]).run(asyncio.Event()) == 1


async def test_what_would_only_fail_again_is_not_tried_again() -> None:
    child = Child("wrong", _python(f"raise SystemExit({USELESS})"))
    assert await Supervisor([child], backoff=_QUICK).run(asyncio.Event()) == USELESS


async def test_the_same_code_of_a_program_that_is_not_ours_says_nothing(tmp_path: Path) -> None:
    book = tmp_path / "book"
    panic = f"open({str(book)!r}, 'a').write('x'); raise SystemExit({USELESS})"
    async with supervised(Supervisor([Child("foreign", _python(panic), ours=False)], backoff=_QUICK)):
        await until(lambda: book.exists() and len(book.read_text()) >= 2)


async def test_a_program_that_is_not_there(capfd: pytest.CaptureFixture[str]) -> None:
    async def never() -> None:
        await asyncio.Event().wait()

    assert await Supervisor([Child("ghost", ["/no/such/program"], ready=never)]).run(asyncio.Event()) == 1
    assert "cannot run /no/such/program: No such file or directory" in capfd.readouterr().err


async def test_stopping_while_starting(book: Book) -> None:
    stop = asyncio.Event()

    async def never() -> None:
        stop.set()
        await asyncio.Event().wait()

    later = book.child("later", 1)
    slow = Child("slow", _python(_SERVANT, str(book.file), "slow"), ready=never)
    assert await Supervisor([slow, later]).run(stop) == 0
    assert "later" not in dict(book.lines("came"))


_STUBBORN = "import signal, sys; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True)\n"


async def test_a_child_that_does_not_stop_is_killed(capfd: pytest.CaptureFixture[str]) -> None:
    child = Child("stubborn", _python(_STUBBORN + "while True: signal.pause()"))
    supervisor = Supervisor([child], stop_s=0.1)
    said = ""

    def is_up() -> bool:
        nonlocal said
        said += capfd.readouterr().out
        return "up" in said

    async with supervised(supervisor):
        await until(is_up)
        pid = supervisor.pids["stubborn"]
    assert not alive(pid)


async def test_force_does_not_wait(capfd: pytest.CaptureFixture[str]) -> None:
    child = Child("stubborn", _python(_STUBBORN + "while True: signal.pause()"))
    supervisor = Supervisor([child], stop_s=3600)
    stop, force = asyncio.Event(), asyncio.Event()
    running = asyncio.create_task(supervisor.run(stop, force))
    said = ""

    def is_up() -> bool:
        nonlocal said
        said += capfd.readouterr().out
        return "up" in said

    await until(is_up)
    stop.set()
    force.set()
    async with asyncio.timeout(20):
        assert await running == 0


async def test_what_a_dead_child_left_behind_goes_with_it(book: Book) -> None:
    parent = (
        f"import subprocess; subprocess.Popen({_python(_SERVANT, str(book.file), 'grandchild')!r}).wait()"
    )
    supervisor = Supervisor([Child("parent", _python(parent))], backoff=_QUICK)
    async with supervised(supervisor):
        await until(lambda: bool(book.lines("came")))
        ((_, grandchild),) = book.lines("came")
        os.kill(supervisor.pids["parent"], signal.SIGKILL)
        await until(lambda: not alive(grandchild))


_PARENT = """
import asyncio, sys
from danmaku.supervisor import Child, Supervisor
asyncio.run(Supervisor([Child("child", sys.argv[1:])]).run(asyncio.Event()))
"""


async def test_children_die_with_their_parent(book: Book) -> None:
    argv = _python(_PARENT, *_python(_SERVANT, str(book.file), "child"))
    parent = await asyncio.create_subprocess_exec(*argv)
    try:
        await until(lambda: bool(book.lines("came")))
    finally:
        parent.kill()
        await parent.wait()
    ((_, child),) = book.lines("came")
    await until(lambda: not alive(child))
    assert not book.lines("left")  # it had no chance to say goodbye


# Notes each SIGHUP, once it can; `--late` cannot before it is told to by SIGUSR1.
_READER = """
import pathlib, signal, sys
book = pathlib.Path(sys.argv[1])
def note(word):
    with book.open("a") as file:
        file.write(f"{word} reader 0\\n")
def listen(*_):
    signal.signal(signal.SIGHUP, lambda *_: note("reread"))
    note("listens")
signal.signal(signal.SIGUSR1, listen)
note("came")
if "--late" not in sys.argv:
    listen()
while True:
    signal.pause()
"""


async def test_children_of_ours_read_again_and_others_do_not(book: Book) -> None:
    reader = Child("reader", _python(_READER, str(book.file)))
    other = Child("other", _python(_READER, str(book.file)), ours=False)
    supervisor = Supervisor([reader, other], stop_s=0.1)
    async with supervised(supervisor):
        await until(lambda: len(book.lines("listens")) == 2)
        supervisor.reread()
        await until(lambda: len(book.lines("reread")) == 1)
        os.kill(supervisor.pids["other"], signal.SIGHUP)  # which it would have heard
        await until(lambda: len(book.lines("reread")) == 2)


async def test_a_child_that_cannot_hear_it_yet_lives(book: Book) -> None:
    supervisor = Supervisor([Child("reader", _python(_READER, str(book.file), "--late"))], stop_s=0.1)
    async with supervised(supervisor):
        supervisor.reread()  # it is not even what it is meant to be
        await until(lambda: len(book.lines("came")) == 1)
        supervisor.reread()
        pid = supervisor.pids["reader"]
        os.kill(pid, signal.SIGUSR1)
        await until(lambda: len(book.lines("listens")) == 1)
        assert supervisor.pids["reader"] == pid
        supervisor.reread()
        await until(lambda: len(book.lines("reread")) == 1)


def test_backoff_doubles_up_to_its_bound_and_starts_anew_after_a_healthy_life() -> None:
    backoff = Backoff(first_s=1, most_s=5, healthy_s=10)
    waits = [0.0]
    for _ in range(5):
        waits.append(backoff.after(waits[-1], lived_s=1))
    assert waits == [0, 1, 2, 4, 5, 5]
    assert backoff.after(5, lived_s=10) == 1


def test_reasons_are_words() -> None:
    assert reason_of(3) == "exit code 3"
    assert reason_of(-signal.SIGSEGV) == "SIGSEGV"
    assert reason_of(-40) == "signal 40"
