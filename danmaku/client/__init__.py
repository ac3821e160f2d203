"""The asyncio client for Python.

    import asyncio
    from danmaku.client import Client, Comment

    async def main() -> None:
        async with Client("http://127.0.0.1:8080", name="ann") as client:
            room = await client.join("demo")
            await room.send("hello", color=0xFF8800)
            async for item in room:
                if isinstance(item, Comment):
                    print(item.position, item.name, item.text)

    asyncio.run(main())

`Client.chat` is for private and group conversations, see danmaku.client.chat; `Client.groups` makes groups
and changes them, see danmaku.client.groups; `Client.staff` is for who announces, sells and asks in rooms, see
danmaku.client.staff.

Every "no" is a `Refusal` with `code`, `name`, `message` and, where a later try may succeed,
`retry_ms`; a service that cannot be reached is `unavailable`, an answer that does not come is `timeout`.
"""

from danmaku.client.chat import Chat
from danmaku.client.client import Client
from danmaku.client.connection import TokenSource
from danmaku.client.groups import Groups
from danmaku.client.messages import Messages
from danmaku.client.pace import Timing
from danmaku.client.results import (
    Comment,
    ConnectionChange,
    Conversation,
    Event,
    Gift,
    Group,
    GroupMember,
    History,
    Message,
    Notice,
    Page,
    Paid,
    Poll,
    PollClosed,
    PollOpened,
    ReadBy,
    Recall,
    Said,
    Sent,
    Stats,
    TypingBy,
)
from danmaku.client.room import Room
from danmaku.client.staff import Staff
from danmaku.errors import Refusal
from danmaku.model import Position

__all__ = [
    "Chat",
    "Client",
    "Comment",
    "ConnectionChange",
    "Conversation",
    "Event",
    "Gift",
    "Group",
    "GroupMember",
    "Groups",
    "History",
    "Message",
    "Messages",
    "Notice",
    "Page",
    "Paid",
    "Poll",
    "PollClosed",
    "PollOpened",
    "Position",
    "ReadBy",
    "Recall",
    "Refusal",
    "Room",
    "Said",
    "Sent",
    "Staff",
    "Stats",
    "Timing",
    "TokenSource",
    "TypingBy",
]
