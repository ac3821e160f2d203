"""Where a reader stands in conversations: each message once, in the order of its seq. Pure.

Hard because deliveries are hints: they get lost, come twice, overtake each other, or stay away while only
a head says that there was something. And a store that lost its latest writes gives the same seqs to
other messages. So the reader knows only two things for sure: its position, and that what a pull brings
is what is stored. A message that comes early is held for a moment; then the gap before it is pulled.
Where a seq turns out to be another message than it was, the tail is read again as far as it is
remembered, and what was shown from it is not shown once more.

Times are seconds of any monotonic clock, passed in.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import islice
from typing import Final, NamedTuple

from danmaku.conversation import MEMBER
from danmaku.errors import REFUSALS
from danmaku.wire_chat import MAX_PULL, Chat, Pulled

HOLD_S: Final = 0.1  # that an early message waits for those before it
AGAIN_S: Final = 1.0  # before what could not be pulled is pulled again
_HELD: Final = 1000  # early messages of one conversation; others are pulled
_REMEMBERED: Final = 256  # of the messages shown last it is known which they were
_GONE: Final = "gone"


class Gap(NamedTuple):
    """Pull what comes after `after` in `conv`."""

    conv: str
    after: int


class ConversationReader:
    """One conversation, read up to `position`. `missed` counts what is no longer kept anywhere."""

    def __init__(self, position: int = 0) -> None:
        self.position = position
        self.missed = 0
        self.due: float | None = None  # when to pull; None while nothing is known to be missing
        self._head = self._asked_head = position
        self._doubtful = False  # what is shown may not be what is stored: pull, and see
        self._held: dict[int, Chat] = {}
        self._shown: dict[int, Chat] = {}  # the latest

    def take(self, message: Chat, now: float) -> list[Chat]:
        """A delivery; what can be shown now."""
        if message.seq <= self.position:
            if self._contradicts(message):
                self._read_tail_again(now)
            return []
        held = self._held.get(message.seq)
        if held is not None and not _same(held, message):
            del self._held[message.seq]  # one of the two is not what is stored; a pull will tell
        elif len(self._held) < _HELD or message.seq == self.position + 1:
            self._held[message.seq] = message
        self.hear(message.seq, now)
        return self._go_on(now)

    def hear(self, last_seq: int, now: float) -> None:
        """The conversation is known to go up to `last_seq` at least."""
        self._head = max(self._head, last_seq)
        self._look(now)

    def synced(self, last_seq: int, last: Chat | None, now: float) -> None:
        """What the store said its end is. Below what was heard of it may be old news: a pull decides."""
        if last_seq < self._head or (last is not None and self._contradicts(last)):
            self._read_tail_again(now, last_seq)
        self.hear(last_seq, now)

    def ask(self, now: float) -> int | None:
        """After which seq to pull now, where that is due."""
        if self.due is None or self.due > now:
            return None
        self._asked_head = self._head
        return self.position

    def pulled(self, after: int, answer: Pulled, now: float) -> list[Chat]:
        """What a pull after `after` brought; what can be shown now."""
        if answer.error is not None:
            return self._refused(answer.error, now)
        if answer.last_seq < after:
            self._read_tail_again(now, answer.last_seq)
            return []
        if after > self.position:  # the tail is being read again since it was asked
            self.due = now
            return []
        before = self.position
        shown: list[Chat] = []
        if not answer.complete and answer.messages and answer.messages[0].kind == MEMBER:
            self._go_to(answer.messages[0].seq - 1)  # with that one this user came
        for message in answer.messages:
            if message.seq > self.position:
                shown += self._show(message)
            elif self._contradicts(message):
                self._read_tail_again(now)
                return shown
        if not answer.more:
            self._end_at(answer.last_seq)
        went_on = self.position > before
        self._head = max(self._head, answer.last_seq)
        self._doubtful, self.due = False, None
        shown += self._go_on(now)
        if self._missing:
            self.due = now + (AGAIN_S if not went_on else 0.0 if answer.more else HOLD_S)
        return shown

    def failed(self, now: float, wait_s: float = AGAIN_S) -> None:
        """No answer came; try again after `wait_s`."""
        self.due = now + wait_s

    def _refused(self, error: str, now: float) -> list[Chat]:
        """Where it cannot be read any more, nothing is missing until something comes again.

        What came before that is shown: it may tell why.
        """
        kind = REFUSALS.get(error)
        if kind is not None and kind.retry:
            self.failed(now)
            return []
        shown = [one for seq in sorted(self._held) for one in self._show(self._held[seq])]
        self._head = self.position
        self._doubtful, self.due = False, None
        return shown

    def _go_on(self, now: float) -> list[Chat]:
        """Show what is held and has its turn."""
        shown: list[Chat] = []
        while (message := self._held.get(self.position + 1)) is not None:
            shown += self._show(message)
            self.due = None  # what was waited for is there; what is missing now is another one
        self._look(now)
        return shown

    def _look(self, now: float) -> None:
        if not self._missing:
            self.due = None
        elif self.due is None:
            self.due = now + HOLD_S

    @property
    def _missing(self) -> bool:
        return self._doubtful or self._head > self.position

    def _show(self, message: Chat) -> list[Chat]:
        self._skip_to(message.seq - 1)
        self.position = message.seq
        self._held.pop(message.seq, None)
        before = self._shown.pop(message.seq, None)
        self._shown[message.seq] = message
        if len(self._shown) > _REMEMBERED:
            del self._shown[next(iter(self._shown))]
        return [] if before is not None and _same(before, message) else [message]

    def _skip_to(self, seq: int) -> None:
        """What lies between is kept nowhere."""
        if seq > self.position:
            self.missed += seq - self.position
            self._go_to(seq)

    def _go_to(self, seq: int) -> None:
        self.position = max(self.position, seq)
        for held in [held for held in self._held if held <= self.position]:
            del self._held[held]

    def _end_at(self, last_seq: int) -> None:
        """All until there was given. What was heard of behind it before that was asked is not there."""
        self._skip_to(last_seq)
        if self._head == self._asked_head:
            self._held.clear()
            self._head = last_seq

    def _contradicts(self, message: Chat) -> bool:
        shown = self._shown.get(message.seq)
        return shown is not None and not _same(shown, message)

    def _read_tail_again(self, now: float, last_seq: int | None = None) -> None:
        """The store went back: what it holds at the end is not what was shown."""
        known = min(self._shown, default=self.position + 1) - 1
        self.position = min(known, self.position, self.position if last_seq is None else last_seq)
        self._held.clear()
        self._head = self.position
        self._doubtful, self.due = True, now


class ChatReader:
    """All conversations of a user. One that is not named in `positions` is read from its beginning."""

    def __init__(self, positions: Mapping[str, int] | None = None) -> None:
        self._readers = {conv: ConversationReader(seq) for conv, seq in (positions or {}).items()}
        self._late: dict[str, None] = {}  # those that may have something to pull

    @property
    def positions(self) -> dict[str, int]:
        """To go on from here another time."""
        return {conv: reader.position for conv, reader in self._readers.items()}

    @property
    def missed(self) -> int:
        return sum(reader.missed for reader in self._readers.values())

    @property
    def due(self) -> float | None:
        """When to ask for gaps; None while there are none."""
        return min((due for conv in self._late if (due := self._readers[conv].due) is not None), default=None)

    def begin(self, conv: str, position: int) -> None:
        """A conversation that is not known yet is read from after `position` on."""
        self._readers.setdefault(conv, ConversationReader(position))

    def take(self, message: Chat, now: float) -> list[Chat]:
        reader = self._reader(message.conv)
        shown = reader.take(message, now)
        self._note(message.conv, reader)
        return shown

    def heads(self, heads: Mapping[str, int], now: float) -> None:
        for conv, last_seq in heads.items():
            reader = self._reader(conv)
            reader.hear(last_seq, now)
            self._note(conv, reader)

    def synced(self, conv: str, last_seq: int, last: Chat | None, now: float) -> None:
        reader = self._reader(conv)
        reader.synced(last_seq, last, now)
        self._note(conv, reader)

    def gaps(self, now: float, most: int = MAX_PULL) -> list[Gap]:
        """What one pull should ask for; no more conversations than it may name."""
        asked = ((conv, self._readers[conv].ask(now)) for conv in self._late)
        due = (Gap(conv, after) for conv, after in asked if after is not None)
        return list(islice(due, most))

    def pulled(self, gaps: Iterable[Gap], answers: Iterable[Pulled], now: float) -> list[Chat]:
        """What came of asking for `gaps`; a conversation that is not answered is asked for again."""
        given = {answer.conv: answer for answer in answers}
        shown: list[Chat] = []
        for conv, after in gaps:
            reader, answer = self._readers[conv], given.get(conv)
            if answer is None:
                reader.failed(now)
            else:
                shown += reader.pulled(after, answer, now)
            self._note(conv, reader)
        return shown

    def failed(self, gaps: Iterable[Gap], now: float, wait_s: float) -> None:
        for gap in gaps:
            self._readers[gap.conv].failed(now, wait_s)

    def _reader(self, conv: str) -> ConversationReader:
        return self._readers.setdefault(conv, ConversationReader())

    def _note(self, conv: str, reader: ConversationReader) -> None:
        self._late.pop(conv, None)
        if reader.due is not None:
            self._late[conv] = None  # behind the others: all have their turn


def _same(one: Chat, other: Chat) -> bool:
    """Whether they are one message; what was recalled meanwhile still is."""
    if _GONE in (one.kind, other.kind):
        return True
    return (one.from_, one.cid) == (other.from_, other.cid)
