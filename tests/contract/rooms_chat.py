"""Somebody who asks rooms processes about chat, and listens to what they tell edges."""

from __future__ import annotations

from typing import Any, TypeVar

import msgpack
import msgspec

from danmaku import chat, conversation
from danmaku.chat import (
    Answer,
    ChangeGroupRow,
    ChatRequest,
    Group,
    News,
    Pulled,
    PulledConversation,
    PullRow,
    Refused,
    Row,
    SendRow,
)
from danmaku.conversation import Change
from danmaku.rows import HelloRow
from tests.contract.rooms_service import Service
from tests.waiting import until

A = TypeVar("A", bound=Answer)
PAIR = "p:ann:bob"
TEAM = "g:team"


class Talk:
    """Somebody who asks as edges do, and listens as they do."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.heard: list[tuple[str, News]] = []

    async def ask(self, *rows: Row, budget_s: float = 20) -> list[Answer]:
        request = chat.encode(ChatRequest(round(budget_s * 1000), list(rows)))
        reply = await self.service.bus.request(self.service.subjects.chat, request, budget_s + 10)
        return chat.decode_reply(reply).answers

    async def get(self, kind: type[A], row: Row) -> A:
        (answer,) = await self.ask(row)
        assert isinstance(answer, kind), answer
        return answer

    async def refused(self, row: Row) -> str:
        return (await self.get(Refused, row)).name

    async def change(self, uid: str, change: Change, gid: str = "team") -> Group:
        return await self.get(Group, ChangeGroupRow(uid, gid, change))

    async def pull(self, uid: str, conv: str, after: int = 0, limit: int = 100) -> PulledConversation:
        (found,) = (await self.get(Pulled, PullRow(uid, [(conv, after, limit)]))).results
        return found

    async def listen(self, edge: str = "", gid: str = "") -> None:
        """To what is told one edge, or in one group."""
        subjects = self.service.subjects
        subject = subjects.to_edge(edge) if edge else subjects.chat_out(gid)
        name = edge or gid

        def receive(payload: bytes, _: str) -> None:
            self.heard.append((name, chat.decode_news(payload)))

        await self.service.bus.subscribe(subject, receive)
        await self.service.bus.flush(20)

    async def until_heard(self, count: int) -> list[tuple[str, News]]:
        """So many, in any order of those who hear them."""
        await until(lambda: len(self.heard) >= count)
        return sorted(self.heard, key=lambda one: one[0])

    async def connect(self, uid: str, device: str, edge: str) -> None:
        row = HelloRow(uid, 5, device, 1, edge, f"s-{device}")
        await self.service.users(row)


def body(text: str) -> bytes:
    return msgspec.msgpack.encode([{"type": "text", "text": text}])


def send(uid: str, cid: str, conv: str = PAIR, text: str = "hi", **more: Any) -> SendRow:
    return SendRow(uid, conv, cid, body(text), **more)


def frames(found: PulledConversation) -> list[dict[str, Any]]:
    return [msgpack.unpackb(conversation.frame(found.conv, seq, raw)) for seq, raw in found.messages]
