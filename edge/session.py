"""One connection: which of its frames may be carried out, and which are refused. Pure.

There is one of these per viewer, so it is small: slots, no containers of its own but tuples that are
mostly short or empty.
"""

from __future__ import annotations

import math
from enum import IntEnum
from typing import Final, NamedTuple, cast, get_args

from config.settings import Edge
from danmaku import wire, wire_chat
from danmaku.errors import (
    BAD_FRAME,
    CONFLICT,
    FORBIDDEN,
    NOT_JOINED,
    RATE_LIMITED,
    TOO_LONG,
    UNAUTHORIZED,
    Close,
    Refusal,
)
from danmaku.model import Identity, Role, check_id
from edge.allowance import paced
from edge.forms import Form

MAX_TEXT: Final = 10_000  # code points; what a room allows is its owner's to judge
MAX_LIKES: Final = 100
_MAX_HELD: Final = 16  # frames that came right behind a hello which is still being checked, or all rooms
_MAX_GARBLED: Final = 10  # frames in a row
_PATIENCE: Final = 10  # bursts that may be refused before the connection is closed

# A look at the type of a frame; isinstance takes several times as long for each type that it is not.
_PULLS: Final = frozenset((wire.Join, wire.History, wire_chat.ChatPull, wire_chat.ChatSync))
_CHAT: Final = frozenset(get_args(wire_chat.ChatFrame))

ClientFrame = wire.ClientFrame | wire.Malformed


class Counted(NamedTuple):
    """Which connection of a device this is, and under which name it is known to the rooms processes."""

    device: str
    n: int
    session: str


class Refuse(NamedTuple):
    """Answer this frame with no."""

    id: int | None
    refusal: Refusal


class End(NamedTuple):
    """Close the connection."""

    code: Close
    reason: str


Action = wire.ClientFrame | Refuse | End | None
"""A frame stands for itself: carry it out. None: there is nothing to do now."""


class _Phase(IntEnum):
    NEW = 0
    GREETING = 1  # its hello is being checked
    GREETED = 2


class Session:
    """`identity` is who the upgrade's token says, and after the hello who is speaking."""

    __slots__ = (
        "_due", "_far_due", "_garbled", "_held", "_joining", "_limits", "_phase", "_pull_due",
        "address", "chat", "codec", "counted", "deflate", "identity", "joined", "order",
    )  # fmt: skip

    def __init__(
        self, codec: wire.Codec, limits: Edge, identity: Identity | None = None, address: str = ""
    ) -> None:
        self.codec = codec
        self.deflate = False  # whether batches may be compressed
        self.identity = identity
        self.address = address
        self.counted: Counted | None = None  # of a logged-in user whose hello had `device` and `n`
        self.chat = False  # it wants what is said in its user's conversations
        self.joined: tuple[str, ...] = ()
        self.order: tuple[str, int] | None = None  # of its messages: under which name, and how many so far
        self._joining: tuple[wire.Join, ...] = ()  # not answered yet
        self._limits = limits
        self._phase = _Phase.NEW
        self._held: tuple[wire.ClientFrame, ...] = ()
        self._due = 0.0  # when the next frame would be due if they came evenly
        self._far_due = 0.0  # the same for those that were refused for coming too fast
        self._pull_due = 0.0  # and for pulls
        self._garbled = 0  # frames in a row that could not be understood

    @property
    def form(self) -> Form:
        return Form.of(self.codec, deflate=self.deflate)

    @property
    def said_hello(self) -> bool:
        return self._phase is not _Phase.NEW

    @property
    def is_joining(self) -> bool:
        """Whether a join is not answered yet."""
        return bool(self._joining)

    @property
    def greeted(self) -> bool:
        return self._phase is _Phase.GREETED

    def receive(self, frame: ClientFrame, now: float) -> Action:
        """What to do about a frame that arrived at `now` (monotonic seconds)."""
        wait_s = self._wait_s(now)
        if wait_s > 0:
            return self._too_fast(frame.id, wait_s, now)
        if isinstance(frame, wire.Malformed):
            return self._not_understood(frame)
        self._garbled = 0
        if type(frame) in _PULLS:
            wait_s = self._pull_wait_s(now)
            if wait_s > 0:
                return Refuse(frame.id, _too_soon(wait_s, "too many requests for history"))
        if self._phase is _Phase.GREETING and not isinstance(frame, wire.Hello):
            return self._hold(frame)
        return self._judge(frame)

    def beat(self, now: float) -> End | None:
        """A ping or pong of WebSocket's own counts like a frame, but there is no way to refuse it."""
        too_fast = self._too_fast(None, 0.0, now) if self._wait_s(now) > 0 else None
        return too_fast if isinstance(too_fast, End) else None

    def greet(self, identity: Identity) -> list[Action]:
        """The hello was good; what to do about the frames that waited behind it."""
        self.identity = identity
        self.chat = self.chat and identity.role is not Role.GUEST
        self._phase = _Phase.GREETED
        held, self._held = self._held, ()
        return [self._judge(frame) for frame in held]

    def settle(self, join: wire.Join) -> bool:
        """This join is answered now; False when it was made void meanwhile."""
        others = tuple(other for other in self._joining if other is not join)
        valid = len(others) < len(self._joining)
        self._joining = others
        return valid

    def void(self, room: str) -> bool:
        """Joins of this room that are under way come to nothing; False when there are none."""
        others = tuple(join for join in self._joining if join.room != room)
        any_void = len(others) < len(self._joining)
        self._joining = others
        return any_void

    def enter(self, room: str) -> None:
        if room not in self.joined:
            self.joined += (room,)

    def leave(self, room: str) -> bool:
        """False when it was not in there."""
        if room not in self.joined:
            return False
        self.joined = tuple(other for other in self.joined if other != room)
        return True

    def _wait_s(self, now: float) -> float:
        """Seconds until a frame may come; 0.0 takes it."""
        wait_s, self._due = paced(self._due, now, self._limits.frames_per_s, self._limits.frames_burst)
        return wait_s

    def _pull_wait_s(self, now: float) -> float:
        """The same for a pull: a frame whose answer holds much of what was said."""
        limits = self._limits
        burst = max(limits.pulls_burst, limits.rooms_per_connection)  # who comes back joins all rooms at once
        wait_s, self._pull_due = paced(self._pull_due, now, limits.pulls_per_s, burst)
        return wait_s

    def _too_fast(self, frame_id: int | None, wait_s: float, now: float) -> Action:
        limits = self._limits
        self._far_due = max(self._far_due, now) + 1 / limits.frames_per_s
        if self._far_due - now > _PATIENCE * limits.frames_burst / limits.frames_per_s:
            return End(Close.TOO_FAST, "far too many frames")
        return Refuse(frame_id, _too_soon(wait_s))

    def _not_understood(self, frame: wire.Malformed) -> Action:
        """A later client may say what is not known here, but not only that."""
        self._garbled += 1
        if self._garbled > _MAX_GARBLED:
            return End(Close.TOO_FAST, "too many frames in a row that could not be understood")
        return Refuse(frame.id, Refusal(BAD_FRAME, frame.reason))

    def _hold(self, frame: wire.ClientFrame) -> Action:
        if len(self._held) >= max(_MAX_HELD, self._limits.rooms_per_connection):
            return Refuse(frame.id, Refusal(RATE_LIMITED, "wait for the answer to hello"))
        self._held += (frame,)
        return None

    def _judge(self, frame: wire.ClientFrame) -> Action:
        try:
            self._check(frame)
        except Refusal as refusal:
            return Refuse(frame.id, refusal)
        return frame

    def _check(self, frame: wire.ClientFrame) -> None:
        if isinstance(frame, wire.Send) and frame.room in self.joined:  # as most are: the shortest way
            _check_send(frame)
            return
        if isinstance(frame, wire.Hello):
            self._check_hello(frame)
            return
        if self._phase is _Phase.NEW:
            raise Refusal(UNAUTHORIZED, "say hello first")
        if isinstance(frame, wire.Ping):
            return
        if type(frame) in _CHAT:
            self._check_chat(cast("wire_chat.ChatFrame", frame))
            return
        frame = cast("wire.RoomFrame", frame)
        check_id(frame.room, "room")
        if isinstance(frame, wire.Join):
            self._check_join(frame)
            return
        if isinstance(frame, wire.Leave) and self.void(frame.room):
            return
        if frame.room not in self.joined:
            raise Refusal(NOT_JOINED)
        if isinstance(frame, wire.Vote):
            check_id(frame.poll, "poll")
        elif isinstance(frame, wire.Like) and not 1 <= frame.n <= MAX_LIKES:
            raise Refusal(BAD_FRAME, f"n must be from 1 to {MAX_LIKES}")

    def _check_chat(self, frame: wire_chat.ChatFrame) -> None:
        if self.identity is None or self.identity.role is Role.GUEST:
            raise Refusal(FORBIDDEN, "chat is for users who are logged in")
        wire_chat.check(frame)

    def _check_join(self, frame: wire.Join) -> None:
        rooms = {frame.room, *self.joined, *(join.room for join in self._joining)}
        most = self._limits.rooms_per_connection
        if len(rooms) > most:
            raise Refusal(CONFLICT, f"at most {most} rooms per connection; leave one first")
        self._joining += (frame,)

    def _check_hello(self, frame: wire.Hello) -> None:
        if self._phase is not _Phase.NEW:
            raise Refusal(BAD_FRAME, "hello was said before")
        if frame.device is not None:
            check_id(frame.device, "device")
        if frame.chat and (frame.device is None or frame.n is None):
            raise Refusal(BAD_FRAME, "chat needs device and n, by which messages find this connection")
        self.chat = frame.chat
        self._phase = _Phase.GREETING


def _too_soon(wait_s: float, detail: str | None = None) -> Refusal:
    return Refusal(RATE_LIMITED, detail, retry_ms=math.ceil(wait_s * 1000))


def _check_send(frame: wire.Send) -> None:
    check_id(frame.cid, "cid")
    if len(frame.text) > MAX_TEXT:
        raise Refusal(TOO_LONG)
