"""Rooms processes as an edge sees them in chat: they keep what is said, and do what a test tells them to."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import msgspec

from danmaku import chat, conversation
from danmaku.bus import Bus
from danmaku.chat import ChatHeads, ChatRequest, Delivery, News
from danmaku.conversation import Member, Message, gid_of, group, parties
from danmaku.subjects import QUEUE, Subjects
from tests.contract.edge_worker import Connect, Worker, edge_worker

Judge = Callable[[chat.Row], chat.Answer]


class FakeChat:
    """Everybody may say everything. What is said is kept, and delivered where `delivers`."""

    def __init__(self, bus: Bus, subjects: Subjects, edge: str = "edge") -> None:
        self.bus = bus
        self.subjects = subjects
        self.edge = edge
        self.silent = False
        self.delivers = True
        self.rows: list[chat.Row] = []
        self.requests: list[list[chat.Row]] = []
        self.answer_with: bytes | None = None
        self.hold: asyncio.Event | None = None  # answers to rows of kind `holds` wait for it
        self.holds: type[chat.Row] = chat.SendRow
        self.stored: defaultdict[str, list[bytes]] = defaultdict(list)
        self.said: dict[tuple[str, str, str], chat.Said] = {}
        self.read: dict[tuple[str, str], int] = {}
        self.groups: dict[str, tuple[int, list[str]]] = {}  # gid: version, members
        self.since: dict[tuple[str, str], int] = {}  # gid and uid: the seq with which he came
        self.claims: defaultdict[str, list[str]] = defaultdict(list)  # uid: gids
        self.judge: Judge = self.answer
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        await self.bus.subscribe(self.subjects.chat, self._asked, QUEUE)
        await self.bus.flush(20)

    async def close(self) -> None:
        if self.hold is not None:
            self.hold.set()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def all(self, kind: type[Any]) -> list[Any]:
        return [row for row in self.rows if isinstance(row, kind)]

    def answer(self, row: chat.Row) -> chat.Answer:
        match row:
            case chat.SendRow():
                return self._send(row)
            case chat.PullRow():
                return chat.Pulled([self._pull(*one) for one in row.convs])
            case chat.SyncRow():
                return self._sync(row)
            case chat.ReadRow():
                up_to = max(self.read.get((row.uid, row.conv), 0), row.seq)
                self.read[row.uid, row.conv] = up_to
                return chat.ReadUpTo(row.conv, up_to)
            case chat.RecallRow():
                return self.append(row.conv, Message(row.uid, 7, "recall", of=row.seq))
            case chat.GroupsRow():
                return chat.Users(self.claims[row.uid])
            case chat.MembersRow():
                version, uids = self.groups.get(row.gid, (0, []))
                return chat.Members(
                    row.gid, version, [(uid, self.since.get((row.gid, uid), 0)) for uid in uids]
                )
            case chat.GroupRow() | chat.ChangeGroupRow():
                version, uids = self.groups.get(row.gid, (0, []))
                members = [Member(uid, "member") for uid in uids]
                return chat.Group(row.gid, row.gid.title(), version, 0, 5, False, False, members)
            case chat.BlockedRow():
                return chat.Users(["eve"])
            case _:
                return chat.Done()

    def put_group(self, gid: str, version: int, *uids: str) -> None:
        self.groups[gid] = version, list(uids)
        for uid in uids:
            if gid not in self.claims[uid]:
                self.claims[uid].append(gid)

    def append(self, conv: str, message: Message) -> chat.Said:
        self.stored[conv].append(conversation.stored(message))
        seq = len(self.stored[conv])
        if self.delivers:
            self.spawn(self.deliver(conv, seq))
        return chat.Said(conv, seq, message.at)

    def say(self, conv: str, text: str, uid: str = "bob") -> chat.Said:
        body = msgspec.Raw(msgspec.msgpack.encode([{"type": "text", "text": text}]))
        return self.append(conv, Message(uid, 7, "message", f"c-{text}", body))

    async def deliver(self, conv: str, seq: int, *uids: str, version: int | None = None) -> None:
        """As rooms processes do; to some users only where they are named."""
        gid = gid_of(conv)
        frame = conversation.frame(conv, seq, self.stored[conv][seq - 1])
        if version is None:
            version = self.groups[gid][0] if gid is not None else 0
        if gid is None or uids:
            await self.to_edge(Delivery(conv, seq, version, list(uids or parties(conv) or ()), frame))
        else:
            await self.to_group(gid, Delivery(conv, seq, version, [], frame))

    async def to_edge(self, news: News) -> None:
        await self.bus.publish(self.subjects.to_edge(self.edge), chat.encode(news))

    async def to_group(self, gid: str, news: News) -> None:
        await self.bus.publish(self.subjects.chat_out(gid), chat.encode(news))

    async def tell_heads(self, *convs: str) -> None:
        versions = {group(gid): version for gid, (version, _) in self.groups.items()}
        heads = {conv: (len(self.stored[conv]), versions.get(conv, 0)) for conv in convs}
        await self.bus.publish(self.subjects.chat_heads, chat.encode(ChatHeads(heads)))

    def _send(self, row: chat.SendRow) -> chat.Said:
        known = self.said.get((row.conv, row.uid, row.cid))
        if known is not None:
            return msgspec.structs.replace(known, duplicate=True)
        message = Message(row.uid, 7, "message", row.cid, msgspec.Raw(row.body), row.mention)
        said = self.said[row.conv, row.uid, row.cid] = self.append(row.conv, message)
        return said

    def _pull(self, conv: str, after: int, limit: int) -> chat.PulledConversation:
        kept = list(enumerate(self.stored[conv], 1))
        page = kept[after : after + limit]
        return chat.PulledConversation(conv, page, len(kept), after + limit < len(kept))

    def _sync(self, row: chat.SyncRow) -> chat.Synced:
        convs = sorted(conv for conv, kept in self.stored.items() if kept and conv > row.cursor)
        page = convs[: row.limit]
        summaries = [
            chat.Summary(
                conv,
                len(self.stored[conv]),
                self.read.get((row.uid, conv), 0),
                len(self.stored[conv]) - self.read.get((row.uid, conv), 0),
                (len(self.stored[conv]), self.stored[conv][-1]),
                gid_of(conv),
                None if gid_of(conv) is None else "member",
            )
            for conv in page
        ]
        return chat.Synced(summaries, page[-1] if len(convs) > len(page) else None)

    def _asked(self, payload: bytes, reply: str) -> None:
        request: ChatRequest = chat.decode_request(payload)
        self.rows += request.rows
        self.requests.append(request.rows)
        if not self.silent:
            answers = [self.judge(row) for row in request.rows]  # what holds now
            self.spawn(self._reply(request, answers, reply))

    async def _reply(self, request: ChatRequest, answers: list[chat.Answer], reply: str) -> None:
        if self.hold is not None and any(isinstance(row, self.holds) for row in request.rows):
            await self.hold.wait()
        await self.bus.publish(reply, self.answer_with or chat.encode(chat.ChatReply(answers)))

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


@asynccontextmanager
async def chat_worker(connect: Connect, **edge: Any) -> AsyncIterator[tuple[Worker, FakeChat]]:
    """An edge worker as `edge_worker` has it, with somebody who answers chat."""
    async with edge_worker(connect, **edge) as worker:
        fake = FakeChat(await connect(), worker.owner.subjects)
        await fake.start()
        yield worker, fake
        await fake.close()
