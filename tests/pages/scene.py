"""A room in which much goes on, for pictures of the pages: comments, a pin, a gift, a poll, and a chat."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from typing import Any, Final

from danmaku.client import Client, Refusal, Room
from tests.system.deployment import Deployment, serving

ROOM: Final = "harbour"
STREAMER: Final = "mira"
SAID: Final[list[tuple[str, str, dict[str, Any]]]] = [
    ("kenji", "good evening from Osaka", {}),
    ("lena", "what a view tonight", {"color": 0x72DDF7}),
    ("小明", "弹幕飞过来啦！", {"color": 0xFFD166}),
    ("tom_k", "first time here, hello everybody", {}),
    ("avery", "the moon over the water", {"color": 0xFF8FAB, "size": 36}),
    ("noor", "مساء الخير", {}),
    ("lena", "turn up the music please", {}),
    ("ines", "anyone else listening at work?", {"color": 0x7CE8B5}),
    ("kenji", "ハーバーの夜景、最高", {"color": 0xD0A2FF}),
    ("zoe", "Welcome to the harbour", {"mode": "top", "color": 0xFFD166}),
    ("tom_k", "there is the train again", {}),
    ("avery", "subtitles look great today", {"mode": "bottom"}),
]
# For pictures, in which nobody says the same twice.
MORE: Final[list[tuple[str, str, dict[str, Any]]]] = [
    ("ines", "what is this song called?", {}),
    ("kenji", "it is “Harbour Lights”", {"color": 0x72DDF7}),
    ("tom_k", "greetings from the night shift", {}),
    ("小明", "太美了吧", {"color": 0xFF8FAB}),
    ("zoe", "look at the reflection on the water", {"color": 0x7CE8B5}),
    ("avery", "a shooting star, quick, make a wish", {"color": 0xFFD166}),
    ("noor", "this is so calming", {}),
    ("lena", "greetings to everybody who cannot sleep", {"color": 0x9FB4FF}),
    ("小明", "晚安，大家", {}),
    ("kenji", "the boat is back", {"size": 18}),
    ("ines", "one more song please", {"color": 0xFF9E7D}),
    ("tom_k", "voted for The Long Way Home", {}),
]


class Scene:
    """The service, the people in its room, and who may do what."""

    def __init__(self, service: Deployment) -> None:
        self.service = service
        self.url = service.url
        self.streamer = service.token(STREAMER, "streamer", ROOM)
        self.moderator = service.token("mod", "moderator")
        self._rooms: dict[str, Room] = {}
        self._is_moderated = False
        self._offers = 0

    async def post(self, path: str, body: dict[str, Any], token: str | None = None) -> dict[str, Any]:
        return await self.call("POST", path, body, token)

    async def call(
        self, method: str, path: str, body: dict[str, Any], token: str | None = None
    ) -> dict[str, Any]:
        status, answer = await self.service.call(method, path, body, token or self.streamer)
        assert status in (200, 201), answer
        found: dict[str, Any] = answer
        return found

    async def say(self, lines: Sequence[tuple[str, str, dict[str, Any]]] = SAID) -> None:
        """What people say, once more."""
        for name, text, style in lines:
            await self._rooms[name].send(text, **style)

    async def advertise(self) -> str:
        """Somebody says what is soon deleted."""
        self._offers += 1
        text = f"cheap gold at my shop, offer {self._offers}"
        await self._rooms["avery"].send(text)
        return text

    async def moderate(self) -> None:
        """What moderators have to do and did: once."""
        if self._is_moderated:
            return
        self._is_moderated = True
        admin = f"/v1/admin/rooms/{ROOM}"
        await self.call("PUT", "/v1/rooms/pier", {"title": "The pier"}, self.service.token("ann", "admin"))
        await self.call("PATCH", f"{admin}/settings", {"links": "hold"}, self.moderator)
        links = {"zoe": "my photos: https://photos.example/zoe", "noor": "see www.example.org/maps"}
        for name, text in links.items():
            with suppress(Refusal):  # it is held
                await self._rooms[name].send(text)
        for uid, reason in (("casino_bot", "advertising"), ("grumble", "insults")):
            await self.post(f"{admin}/mutes", {"uid": uid, "seconds": 600, "reason": reason}, self.moderator)
        words = {"refuse": ["casino", "free coins"], "mask": ["darn"], "hold": ["telegram"]}
        await self.call("PUT", f"{admin}/words", words, self.moderator)

    async def begin(self, stack: AsyncExitStack) -> None:
        """People come, and what stays in view is there."""
        events = f"/v1/rooms/{ROOM}/messages"
        await self.call("PUT", f"/v1/rooms/{ROOM}", {"title": "Night at the harbour, with Mira"})
        for number, name in enumerate(sorted({name for name, *_ in SAID})):
            token = self.service.token(name if name.isascii() else f"guest{number}", "viewer")
            client = await stack.enter_async_context(Client(self.url, token=token))
            self._rooms[name] = await client.join(ROOM)
        pin = "Second half starts at nine. Tonight: songs you asked for."
        await self.post(events, {"kind": "announce", "text": pin, "cid": "pin", "pin_s": 3600})
        await self.post(
            events,
            {"kind": "paid", "uid": "ines", "name": "ines", "text": "Best stream of the year, thank you!"}
            | {"amount": 5000, "currency": "USD", "cid": "paid"},
        )
        await self.say()
        await self.post(
            events, {"kind": "gift", "gift": "Lantern", "count": 8, "cid": "gift", "text": "for the boat"}
        )
        poll = await self.post(
            f"/v1/rooms/{ROOM}/polls",
            {
                "question": "Which song next?",
                "options": ["Harbour Lights", "The Long Way Home", "夜曲"],
                "cid": "poll",
            },
        )
        for number, room in enumerate(self._rooms.values()):
            await room.vote(poll["poll"], number % 3 % 2)
        await self._chat()

    async def _chat(self) -> None:
        """What somebody finds who opens the chat."""
        kenji, lena = (self.service.token(uid, "viewer") for uid in ("kenji", "lena"))
        group = await self.post(
            "/v1/groups", {"name": "Crew of the harbour", "members": ["lena", "mira"]}, kenji
        )
        lines = [
            (kenji, {"to": "lena"}, "Did you see the boat?"),
            (lena, {"to": "kenji"}, "Yes! It comes by every evening around nine."),
            (kenji, {"conv": group["conv"]}, "Who takes the late shift on Friday?"),
            (lena, {"conv": group["conv"]}, "I can. @kenji please bring the list of songs."),
        ]
        for number, (token, where, text) in enumerate(lines):
            mention = {"mention": ["kenji"]} if "@kenji" in text else {}
            body = [{"type": "text", "text": text}]
            await self.post(
                "/v1/chat/messages", {**where, "body": body, "cid": f"c{number}", **mention}, token
            )


@asynccontextmanager
async def scene(folder: Path) -> AsyncIterator[Scene]:
    """It lasts as long as the block."""
    async with serving(folder) as service, AsyncExitStack() as stack:
        made = Scene(service)
        await asyncio.wait_for(made.begin(stack), 60)
        yield made
