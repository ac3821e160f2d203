"""Each message once and in order, whatever becomes of its deliveries."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from danmaku.client.conversations import AGAIN_S, HOLD_S, ChatReader, ConversationReader, Gap
from danmaku.wire_chat import MAX_PULL, Chat, Pulled

CONV = "g:team"
LATE = HOLD_S + 0.001


def message(seq: int, cid: str | None = None, conv: str = CONV) -> Chat:
    return Chat(conv=conv, seq=seq, from_="ann", at=seq, kind="message", cid=cid or f"c{seq}")


def gone(seq: int) -> Chat:
    return Chat(conv=CONV, seq=seq, kind="gone")


def seqs(shown: list[Chat]) -> list[int]:
    return [one.seq for one in shown]


def answer(*messages: Chat, last_seq: int | None = None, more: bool = False) -> Pulled:
    last = messages[-1].seq if last_seq is None else last_seq
    return Pulled(CONV, list(messages), last, more)


def at(position: int) -> ConversationReader:
    """A reader that has shown all until there."""
    reader = ConversationReader()
    for seq in range(1, position + 1):
        assert seqs(reader.take(message(seq), 0.0)) == [seq]
    return reader


def test_what_continues_is_shown_and_what_was_seen_is_dropped() -> None:
    reader = at(2)
    assert seqs(reader.take(message(3), 0.0)) == [3]
    assert reader.take(message(3), 0.0) == []
    assert reader.take(message(1), 0.0) == []
    assert (reader.position, reader.due, reader.missed) == (3, None, 0)


def test_an_early_message_waits_a_moment_for_those_before_it() -> None:
    reader = at(2)
    assert reader.take(message(4), 10.0) == []
    assert reader.ask(10.0) is None
    assert seqs(reader.take(message(3), 10.05)) == [3, 4]
    assert reader.due is None


def test_who_does_not_come_is_pulled() -> None:
    reader = at(2)
    reader.take(message(4), 10.0)
    reader.take(message(4), 10.05)
    assert reader.ask(10.0 + LATE) == 2
    assert seqs(reader.pulled(2, answer(message(3), message(4)), 11.0)) == [3, 4]
    assert reader.due is None


def test_what_came_meanwhile_is_not_shown_again_by_the_answer() -> None:
    reader = at(2)
    reader.take(message(4), 10.0)
    assert reader.ask(11.0) == 2
    assert seqs(reader.take(message(3), 11.0)) == [3, 4]
    assert seqs(reader.take(message(5), 11.0)) == [5]
    assert reader.pulled(2, answer(message(3), message(4)), 11.0) == []
    assert (reader.position, reader.due) == (5, None)


def test_each_gap_has_its_own_moment() -> None:
    reader = at(0)
    reader.take(message(2), 10.0)
    assert reader.due == 10.0 + HOLD_S
    reader.take(message(4), 10.09)
    assert seqs(reader.take(message(1), 10.09)) == [1, 2]
    assert reader.due == 10.09 + HOLD_S


def test_a_head_ahead_is_a_gap_and_one_behind_is_nothing() -> None:
    reader = at(2)
    reader.hear(2, 10.0)
    reader.hear(1, 10.0)
    assert reader.due is None
    reader.hear(3, 10.0)
    assert reader.ask(10.0 + LATE) == 2


def test_a_long_gap_is_pulled_page_by_page() -> None:
    reader = at(0)
    reader.hear(5, 10.0)
    assert reader.ask(11.0) == 0
    assert seqs(reader.pulled(0, answer(message(1), message(2), last_seq=5, more=True), 11.0)) == [1, 2]
    assert reader.ask(11.0) == 2
    assert reader.pulled(2, answer(last_seq=5, more=True), 11.0) == []
    assert reader.due == 11.0 + AGAIN_S  # an answer that brings nothing is not asked for at once again
    assert reader.ask(13.0) == 2
    assert seqs(reader.pulled(2, answer(message(3), message(4), message(5)), 13.0)) == [3, 4, 5]
    assert reader.due is None


def test_what_is_kept_nowhere_is_missed() -> None:
    reader = at(2)
    reader.hear(9, 10.0)
    reader.take(message(6), 10.0)
    assert seqs(reader.pulled(2, answer(message(7), message(9)), 11.0)) == [7, 9]
    assert (reader.position, reader.missed, reader.due) == (9, 5, None)
    reader.hear(12, 11.0)
    assert reader.pulled(9, answer(last_seq=12), 12.0) == []
    assert (reader.position, reader.missed, reader.due) == (12, 8, None)


def test_what_came_behind_an_answer_is_still_waited_for() -> None:
    reader = at(2)
    reader.take(message(4), 10.0)
    assert reader.ask(11.0) == 2
    reader.take(message(6), 11.0)
    assert seqs(reader.pulled(2, answer(message(3), message(4)), 11.0)) == [3, 4]
    assert reader.due == 11.0 + HOLD_S
    assert seqs(reader.take(message(5), 11.05)) == [5, 6]


def test_what_was_heard_of_but_is_not_there_is_not_asked_for_again_and_again() -> None:
    reader = at(2)
    reader.hear(9, 10.0)
    assert reader.ask(11.0) == 2
    assert reader.pulled(2, answer(last_seq=2), 11.0) == []
    assert (reader.position, reader.due) == (2, None)


def test_a_pull_that_failed_is_made_again_later() -> None:
    reader = at(2)
    reader.hear(3, 10.0)
    reader.failed(11.0, 5.0)
    assert reader.ask(15.9) is None
    assert reader.ask(16.0) == 2
    reader.pulled(2, Pulled(CONV, error="unavailable"), 16.0)
    assert reader.due == 16.0 + AGAIN_S


@pytest.mark.parametrize("error", ["not_a_member", "of a later version"])
def test_what_may_not_be_read_is_not_missing(error: str) -> None:
    reader = at(2)
    reader.hear(4, 10.0)
    assert reader.pulled(2, Pulled(CONV, error=error), 11.0) == []
    assert (reader.position, reader.due) == (2, None)
    reader.take(message(5), 12.0)
    assert reader.due == 12.0 + HOLD_S


def test_what_came_before_one_was_sent_away_is_shown() -> None:
    reader = at(2)
    kick = Chat(conv=CONV, seq=6, from_="ann", at=6, kind="member")
    assert reader.take(kick, 10.0) == reader.take(message(4), 10.0) == []
    assert seqs(reader.pulled(2, Pulled(CONV, error="not_a_member"), 11.0)) == [4, 6]
    assert (reader.position, reader.missed, reader.due) == (6, 2, None)


def test_what_was_said_before_one_came_is_not_missed() -> None:
    reader = ConversationReader()
    came = Chat(conv=CONV, seq=501, from_="ann", at=6, kind="member")
    reader.take(message(500), 10.0)
    reader.take(came, 10.0)
    assert reader.ask(11.0) == 0
    told = Pulled(CONV, [came, message(502)], 502, complete=False)
    assert seqs(reader.pulled(0, told, 11.0)) == [501, 502]
    assert (reader.position, reader.missed, reader.due) == (502, 0, None)
    reader.hear(700, 12.0)
    assert seqs(reader.pulled(502, Pulled(CONV, [message(700)], 700, complete=False), 13.0)) == [700]
    assert reader.missed == 197


def test_a_recalled_message_is_the_same_one() -> None:
    reader = at(3)
    assert reader.take(gone(2), 10.0) == []
    reader.hear(4, 10.0)
    assert seqs(reader.pulled(1, answer(gone(2), message(3), message(4)), 11.0)) == [4]
    assert reader.due is None


def test_a_known_seq_with_another_message_means_that_the_store_went_back() -> None:
    reader = at(5)
    assert reader.take(message(4, "other"), 10.0) == []
    assert reader.ask(10.0) == 0
    again = answer(message(1), message(2), message(3), message(4, "other"), last_seq=4)
    assert [(one.seq, one.cid) for one in reader.pulled(0, again, 10.0)] == [(4, "other")]
    assert (reader.position, reader.due) == (4, None)
    assert seqs(reader.take(message(5, "another"), 11.0)) == [5]


def test_an_answer_that_ends_before_what_was_shown_means_it_too() -> None:
    reader = at(5)
    reader.hear(6, 10.0)
    assert reader.ask(11.0) == 5
    assert reader.pulled(5, answer(last_seq=3), 11.0) == []
    assert reader.ask(11.0) == 0
    reader.hear(1, 11.0)
    assert reader.ask(11.0) == 0  # the doubt stays until a pull has told
    assert reader.pulled(0, answer(message(1), message(2), message(3)), 11.0) == []
    assert (reader.position, reader.due) == (3, None)
    assert seqs(reader.take(message(4, "other"), 11.0)) == [4]


def test_an_answer_that_contradicts_what_was_shown_means_it_too() -> None:
    reader = at(3)
    reader.take(message(5), 10.0)
    assert reader.ask(11.0) == 3
    reader.take(message(4), 11.0)
    assert reader.pulled(3, answer(message(4), message(5, "other")), 11.0) == []
    assert reader.ask(11.0) == 0
    told = answer(*(message(seq) for seq in (1, 2, 3, 4)), message(5, "other"))
    assert [(one.seq, one.cid) for one in reader.pulled(0, told, 11.0)] == [(5, "other")]


def test_an_answer_to_what_was_asked_before_the_store_went_back_says_nothing() -> None:
    reader = at(3)
    reader.hear(4, 10.0)
    assert reader.ask(11.0) == 3
    reader.take(message(2, "other"), 11.0)
    assert reader.pulled(3, answer(message(4)), 11.0) == []
    assert reader.ask(11.0) == 0


def test_of_two_early_messages_with_one_seq_a_pull_tells_which_is_stored() -> None:
    reader = at(1)
    reader.take(message(3), 10.0)
    reader.take(message(3, "other"), 10.0)
    assert seqs(reader.take(message(2), 10.0)) == [2]
    assert reader.ask(11.0) == 2
    assert [one.cid for one in reader.pulled(2, answer(message(3, "other")), 11.0)] == ["other"]


def test_a_sync_tells_where_the_conversation_ends() -> None:
    reader = at(3)
    reader.synced(3, message(3), 10.0)
    assert reader.due is None
    reader.synced(5, message(5), 10.0)
    assert reader.ask(10.0 + LATE) == 3
    reader = at(3)
    reader.synced(2, message(2), 10.0)
    assert reader.ask(10.0) == 0
    reader = at(3)
    reader.synced(3, message(3, "other"), 10.0)
    assert reader.ask(10.0) == 0
    reader = ConversationReader(7)
    reader.synced(4, None, 10.0)
    assert (reader.position, reader.ask(10.0)) == (4, 4)


def test_only_so_many_early_messages_are_held() -> None:
    reader = at(0)
    for seq in range(2, 1500):
        reader.take(message(seq), 0.0)
    assert len(reader.take(message(1), 0.0)) == 1001
    assert reader.ask(1.0) == 1001


def test_only_the_latest_are_remembered() -> None:
    reader = at(300)
    assert reader.take(message(300 - 256, "other"), 0.0) == []
    assert reader.due is None
    reader.take(message(300, "other"), 0.0)
    assert reader.ask(0.0) == 300 - 256


def test_conversations_go_on_by_themselves() -> None:
    reader = ChatReader({CONV: 3})
    reader.begin(CONV, 0)
    reader.begin("g:new", 7)
    assert reader.positions == {CONV: 3, "g:new": 7}
    assert seqs(reader.take(message(1, conv="g:other"), 0.0)) == [1]
    assert reader.take(message(5), 10.0) == []
    reader.heads({"g:other": 2, CONV: 1}, 10.0)
    reader.synced("g:new", 8, None, 10.05)
    assert reader.due == 10.0 + HOLD_S
    assert reader.gaps(10.0) == []
    gaps = reader.gaps(11.0)
    assert sorted(gaps) == [Gap("g:new", 7), Gap("g:other", 1), Gap(CONV, 3)]
    told = [answer(message(4), message(5)), Pulled("g:other", [message(2, conv="g:other")], 2)]
    assert sorted(seqs(reader.pulled(gaps, told, 11.0))) == [2, 4, 5]
    assert reader.due == 11.0 + AGAIN_S  # one was not answered
    assert reader.gaps(12.1) == [Gap("g:new", 7)]
    reader.failed([Gap("g:new", 7)], 12.1, 3.0)
    assert reader.due == pytest.approx(15.1)
    assert reader.pulled(reader.gaps(16.0), [Pulled("g:new", [], 9)], 16.0) == []
    assert reader.missed == 2
    assert not reader.gaps(99.0)


def test_all_have_their_turn_however_many_there_are() -> None:
    reader = ChatReader()
    reader.heads({f"g:{number}": 1 for number in range(MAX_PULL + 20)}, 0.0)
    first = reader.gaps(1.0)
    assert len(first) == MAX_PULL
    reader.pulled(first, [Pulled(gap.conv, [], 1, more=True) for gap in first], 1.0)
    assert len({*first, *reader.gaps(9.0)}) == MAX_PULL + 20


# A conversation under fire. What is delivered may be lost, doubled and late; pulls are answered in pieces.

STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("say"), st.integers(1, 3)),
        st.tuples(st.just("deliver"), st.integers(0, 30)),
        st.tuples(st.just("head"), st.integers(0, 30)),
        st.tuples(st.just("ask"), st.integers(1, 4)),
        st.tuples(st.just("answer"), st.just(0)),
        st.tuples(st.just("fail"), st.just(0)),
        st.tuples(st.just("sync"), st.just(0)),
        st.tuples(st.just("back"), st.integers(1, 6)),
    ),
    max_size=60,
)


class Conversation:
    """What is stored, and a reader that hears of it in whatever way it is told."""

    def __init__(self) -> None:
        self.stored: list[Chat] = []
        self.reader = ConversationReader()
        self.shown: list[Chat] = []
        self.under_way: tuple[int, Pulled] | None = None
        self.now = 0.0
        self.said = 0

    def do(self, step: str, number: int) -> None:
        self.now += 0.03
        getattr(self, step)(number)

    def say(self, count: int) -> None:
        for _ in range(count):
            self.said += 1
            self.stored.append(message(len(self.stored) + 1, f"c{self.said}"))

    def deliver(self, which: int) -> None:
        if which < len(self.stored):
            self.shown += self.reader.take(self.stored[which], self.now)

    def head(self, last_seq: int) -> None:
        self.reader.hear(min(last_seq, len(self.stored)), self.now)

    def ask(self, limit: int) -> None:
        if self.under_way is None and (after := self.reader.ask(self.now)) is not None:
            page, last_seq = self.stored[after : after + limit], len(self.stored)
            self.under_way = after, Pulled(CONV, page, last_seq, more=after + limit < last_seq)

    def answer(self, _: int) -> None:
        if self.under_way is not None:
            self.shown += self.reader.pulled(*self.under_way, self.now)
            self.under_way = None

    def fail(self, _: int) -> None:
        if self.under_way is not None:
            self.under_way = None
            self.reader.failed(self.now)

    def sync(self, _: int) -> None:
        self.reader.synced(len(self.stored), self.stored[-1] if self.stored else None, self.now)

    def back(self, count: int) -> None:
        """The store loses what it took last, and the reader syncs as after any lost connection."""
        del self.stored[-count:]
        self.under_way = None
        self.sync(0)

    def finish(self) -> None:
        self.answer(0)
        self.sync(0)
        for _ in range(10 + 2 * len(self.stored)):
            self.now += 2.0
            self.ask(3)
            self.answer(0)
        assert self.reader.due is None
        assert self.reader.missed == 0


@given(STEPS.map(lambda steps: [step for step in steps if step[0] != "back"]))
def test_whatever_gets_lost_doubled_or_late_all_is_shown_once_and_in_order(
    steps: list[tuple[str, int]],
) -> None:
    conversation = Conversation()
    for step in steps:
        conversation.do(*step)
    conversation.finish()
    assert conversation.shown == conversation.stored


@given(STEPS)
def test_when_the_store_goes_back_what_it_has_in_the_end_was_shown_last(steps: list[tuple[str, int]]) -> None:
    conversation = Conversation()
    for step in steps:
        conversation.do(*step)
    conversation.finish()
    last = {one.seq: one for one in conversation.shown}
    assert [last[one.seq] for one in conversation.stored] == conversation.stored
    cids = [one.cid for one in conversation.shown]
    assert len(set(cids)) == len(cids)
