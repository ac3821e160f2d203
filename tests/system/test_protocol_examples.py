"""The examples of docs/PROTOCOL.md work as they stand there."""

from __future__ import annotations

import asyncio
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import ConsoleMessage, async_playwright

from danmaku import client
from danmaku.model import Position
from danmaku.wire import Ok, Send
from tests.system.scripted import Visit, scripted

TEXT = (Path(__file__).parents[2] / "docs" / "PROTOCOL.md").read_text(encoding="utf-8")
HERE = "http://127.0.0.1:8080"
SOCKET = "ws://127.0.0.1:8080/v1/ws"
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


def of_the_docs(language: str) -> str:
    found = re.search(rf"```{language}\n(.*?)```", TEXT, flags=re.DOTALL)
    assert found is not None
    return found[1]


def of_the_package() -> str:
    assert client.__doc__ is not None
    return "\n".join(line[4:] for line in client.__doc__.splitlines() if line.startswith("    "))


@pytest.mark.parametrize("source", [of_the_docs("python"), of_the_package()], ids=["docs", "package"])
async def test_the_example_in_python_works(source: str, capsys: pytest.CaptureFixture[str]) -> None:
    printed = asyncio.Event()

    async def script(visit: Visit) -> None:
        await visit.greet()
        await visit.admit(Position(5, 10))
        send = await visit.expect(Send)
        assert (send.text, send.color) == ("hello", 0xFF8800)
        await visit.say(Ok(send.id, shown=True, epoch=5, seq=11, at=1), visit.batch(5, 11, "hello back"))
        printed.set()

    async with scripted(script) as url:
        assert HERE in source
        names: dict[str, Any] = {}
        exec(source.replace(HERE, url).replace("asyncio.run(main())", ""), names)  # noqa: S102  our own docs
        running = asyncio.create_task(names["main"]())
        await asyncio.wait_for(printed.wait(), 30)
        said = ""
        async with asyncio.timeout(30):
            while "bob hello back" not in said:
                await asyncio.sleep(0.01)
                said += capsys.readouterr().out
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running


@pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed")
async def test_the_example_in_a_browser_works() -> None:
    async def script(visit: Visit) -> None:
        hello = await visit.greet(heartbeat_ms=50)
        assert hello.name == "ann"
        await visit.admit(Position(5, 10), [visit.batch(5, 10, "from history")])
        send = await visit.expect(Send)
        assert (send.room, send.text) == ("demo", "hello")
        await visit.say(Ok(send.id, shown=True, epoch=5, seq=11, at=1))
        await visit.say(visit.batch(5, 11, "live"), visit.batch(5, 12, "and in one message"))

    source = of_the_docs("js")
    assert SOCKET in source
    lines: asyncio.Queue[str] = asyncio.Queue()

    def heard(message: ConsoleMessage) -> None:
        lines.put_nowait(message.text)

    async with scripted(script) as url, async_playwright() as playwright:
        address = f"{url.replace('http', 'ws')}/v1/ws"
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        try:
            page = await browser.new_page()
            page.on("console", heard)
            await page.evaluate(f"() => {{ {source.replace(SOCKET, address)} }}")
            said = [await asyncio.wait_for(lines.get(), 20) for _ in range(3)]
        finally:
            await browser.close()
    assert said == ["bob from history", "bob live", "bob and in one message"]
