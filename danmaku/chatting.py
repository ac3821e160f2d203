"""What `danmaku chat` does and shows: a user's conversations, as lines for people or for programs."""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import Callable
from typing import Any, Final

import msgspec
from rich.text import Text

from danmaku.client import Client, Conversation, Message, Page
from danmaku.conversation import check_conv, gid_of, parties, private
from danmaku.errors import INTERNAL, NO_SUCH_MESSAGE, REFUSALS, Refusal
from danmaku.printable import printable
from danmaku.watching import tell_changes

_PULLED: Final = 200  # at one time
_LAST_LETTERS: Final = 60
_CHANGES: Final = {
    "create": "made the group {name}",
    "create with": "made the group {name} with {uids}",
    "rename": "renamed the group to {name}",
    "dissolve": "dissolved the group",
    "join": "joined",
    "leave": "left",
    "invite": "invited {uids}",
    "kick": "sent {uid} away",
    "appoint": "appointed {uid} {role}",
    "hand_over": "handed the group over to {uid}",
    "mute": "muted {uid}",
    "mute for": "muted {uid} for {seconds} s",
    "unmute": "let {uid} speak again",
    "mute_all": "lets only staff speak",
    "unmute_all": "lets everybody speak again",
}
_STANDING_FOR: Final = ("url", "name", "index")  # a part that is no text


def conversation_of(uid: str, target: str) -> str:
    """`target` is a conversation, or a user with whom `uid` has one. Raises Refusal (bad_id)."""
    return check_conv(target) if ":" in target else private(uid, target)


def other_of(uid: str, one: Conversation) -> str:
    """How `uid` calls the conversation: the group's name, or the other user."""
    them = parties(one.conv)
    if them is None:
        return printable(one.name or gid_of(one.conv) or "")
    return them[0] if them[1] == uid else them[1]


async def newest(client: Client, conv: str, count: int) -> Page:
    """The last `count` messages of a conversation, in order. Raises Refusal."""
    last_seq = (await _page(client, conv, 0, 1)).last_seq
    return await following(client, conv, max(0, last_seq - count), count)


async def following(client: Client, conv: str, after: int, count: int) -> Page:
    """At most `count` messages after number `after`, in order. Raises Refusal."""
    page = await _page(client, conv, after, min(count, _PULLED))
    messages, complete = page.messages, page.complete
    if after > page.last_seq:
        raise Refusal(NO_SUCH_MESSAGE, f"the last message is number {page.last_seq}")
    while page.more and page.messages and len(messages) < count:
        page = await _page(client, conv, messages[-1].seq, min(count - len(messages), _PULLED))
        messages = messages + page.messages
    return Page(messages, page.last_seq, page.more, complete)


async def follow(
    client: Client, conv: str | None, since: dict[str, int] | None, show: Callable[[Message], None]
) -> None:
    """Call `show` with all that is said, in one conversation or in all of them, until cancelled.

    since: as of `Chat.messages`. Raises Refusal.
    """
    telling = asyncio.create_task(tell_changes(client))
    try:
        async for message in client.chat.messages(since):
            if conv is None or message.conv == conv:
                show(message)
    finally:
        telling.cancel()
        await asyncio.gather(telling, return_exceptions=True)


def line_of(message: Message, *, where: bool = False) -> Text:
    """One line for a terminal, with the conversation where that is not clear. People cannot steer it."""
    line = Text(f"{message.seq:>5} {_time(message.at)} ", style="dim")
    if where:
        line.append(f"{message.conv} ", style="dim")
    if message.kind == "message":
        line.append(printable(message.uid), style="cyan").append(": ", style="dim")
        return line.append(printable(said(message)), style="")
    return line.append(f"* {printable(_happened(message))}", style="yellow")


def last_of(one: Conversation) -> str:
    """The newest message in a few words."""
    if one.last is None:
        return ""
    is_message = one.last.kind == "message"
    words = f"{one.last.uid}: {said(one.last)}" if is_message else f"* {_happened(one.last)}"
    words = printable(words)
    return words if len(words) <= _LAST_LETTERS else f"{words[: _LAST_LETTERS - 1]}…"


def said(message: Message) -> str:
    """Its parts in one line; what is no text stands in brackets."""
    return " ".join(_part(part) for part in message.body)


def json_of(message: Message) -> str:
    """One line of JSON: the fields of `danmaku.client.Message`."""
    return msgspec.json.encode(message).decode()


async def _page(client: Client, conv: str, after: int, count: int) -> Page:
    page = (await client.chat.pull({conv: after}, count))[conv]
    if page.error is not None:
        raise Refusal(REFUSALS.get(page.error, INTERNAL))
    return page


def _part(part: dict[str, Any]) -> str:
    if part.get("type") == "text":
        return " ".join(str(part.get("text", "")).splitlines())
    what = next((str(part[key]) for key in _STANDING_FOR if key in part), "")
    return f"[{part.get('type')} {what}]"


def _happened(message: Message) -> str:
    if message.kind == "recall":
        return f"{message.uid} took message {message.of} back"
    if message.kind != "member":
        return message.kind
    return f"{message.uid} {_changed(message.change or {})}"


def _changed(change: dict[str, Any]) -> str:
    verb = str(change.get("verb"))
    words = {
        key: ", ".join(map(str, value)) if isinstance(value, list) else value for key, value in change.items()
    }
    if verb == "create" and words.get("uids"):
        verb = "create with"
    if verb == "mute" and words.get("seconds"):
        verb = "mute for"
    return _CHANGES.get(verb, "changed the group").format_map(defaultdict(str, words))


def _time(at: int) -> str:
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(at / 1000)) if at else " " * 16
