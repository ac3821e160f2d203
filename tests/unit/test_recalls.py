from __future__ import annotations

import msgpack
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from danmaku import wire
from danmaku.model import Position, Role
from danmaku.recalls import (
    SAID,
    Recallable,
    Recalled,
    Redaction,
    covers,
    item_at,
    recallable,
    recalls_in,
    role_of,
)
from danmaku.wire import At

USERS = ["ann", "bob", "eve"]
STAFF = ["moderator", "streamer", "admin"]
GONE = wire.encode_item(wire.Gone())


def comment(uid: str, text: str = "hello", role: str | None = None) -> bytes:
    return wire.encode_item(wire.Comment(uid, uid, text, role=role))


def frame_of(*items: bytes, epoch: int = 7, seq: int = 1) -> bytes:
    return wire.encode_batch("r", Position(epoch, seq), 5, items, Position(6, 3) if seq == 1 else None)


def items_of(frame: bytes) -> list[bytes]:
    return [bytes(item) for item in msgspec.msgpack.decode(frame, type=wire.Batch).items]


def one(seq: int, at: int = 99, role: str = "moderator") -> Recalled:
    return Recalled(Position(7, at), wire.Recall(role, of=At(7, seq)))


def of_user(uid: str, at: int = 99, role: str = "moderator") -> Recalled:
    return Recalled(Position(7, at), wire.Recall(role, uid=uid))


def everything(at: int = 99, role: str = "moderator") -> Recalled:
    return Recalled(Position(7, at), wire.Recall(role))


def test_what_was_recalled_is_gone_and_nothing_else() -> None:
    frame = frame_of(comment("ann"), comment("bob"), comment("ann"))
    assert items_of(Redaction([one(2)]).of(frame)) == [comment("ann"), GONE, comment("ann")]


def test_all_of_a_user_up_to_the_recall() -> None:
    frame = frame_of(comment("ann"), comment("bob"), comment("ann"), comment("ann"))
    redacted = Redaction([of_user("ann", at=4)]).of(frame)
    assert items_of(redacted) == [GONE, comment("bob"), GONE, comment("ann")]


def test_everything_that_was_said_but_not_what_holds() -> None:
    settings = wire.encode_item(wire.SettingsChanged(wire.MSGPACK.value({"slow_s": 1})))
    said = [
        comment("ann"),
        wire.encode_item(wire.Announce("hi")),
        wire.encode_item(wire.Gift("u", "n", "rose")),
    ]
    told = [settings, wire.encode_item(wire.Opened()), wire.encode_item(wire.Closed())]
    assert items_of(Redaction([everything()]).of(frame_of(*said, *told))) == [GONE] * 3 + told


def test_the_next_epoch_is_behind_every_recall_of_this_one() -> None:
    frame = frame_of(comment("ann"), epoch=8)
    assert Redaction([everything()]).of(frame) is frame
    assert items_of(Redaction([everything()]).of(frame_of(comment("ann"), epoch=6))) == [GONE]


def test_what_a_higher_role_said_stays() -> None:
    said = [comment("ann", role=role) for role in STAFF]
    for rank, role in enumerate(STAFF, 1):
        for recall in (of_user("ann", role=role), everything(role=role)):
            assert items_of(Redaction([recall]).of(frame_of(*said))) == [GONE] * rank + said[rank:]


def test_without_recalls_the_bytes_are_the_same() -> None:
    frame = frame_of(comment("ann"))
    assert Redaction([]).of(frame) is frame
    assert Redaction([one(5), of_user("bob")]).of(frame) is frame
    assert Redaction([]).of(b"no batch at all") == b"no batch at all"


def test_what_is_no_batch_stays_as_it_is() -> None:
    for odd in (b"\x01", b"", deep()):
        assert Redaction([everything()]).of(odd) is odd


def deep() -> bytes:
    return b"\x86\xa1t\xa5batch\xa1x" + b"\x91" * 100_000 + b"\xc0"


def test_an_item_tells_who_said_it() -> None:
    assert recallable(comment("ann", role="streamer")) == Recallable("ann", Role.STREAMER)
    assert recallable(comment("ann")) == Recallable("ann", Role.GUEST)
    assert recallable(wire.encode_item(wire.Announce("hi"))) == Recallable(None, Role.GUEST)
    for item in (wire.Opened(), wire.Gone(), wire.Recall("admin")):
        assert recallable(wire.encode_item(item)) is None
    for odd in (
        b"",
        b"\x80",
        msgpack.packb({"k": "c", "uid": 5}),
        b"\x82\xa1k\xa1c\xa1x" + b"\x91" * 100_000,
    ):
        assert recallable(odd) is None
    assert (role_of("admin"), role_of(None), role_of("king")) == (Role.ADMIN, Role.GUEST, Role.GUEST)


def test_recalls_are_found_in_a_batch() -> None:
    texts = [comment("ann", "recall"), comment("ann", "á k¦recall")]
    recall = wire.Recall("moderator", of=At(7, 1))
    frame = frame_of(*texts, wire.encode_item(recall), wire.encode_item(wire.Recall("admin")))
    assert recalls_in(frame) == [
        Recalled(Position(7, 3), recall),
        Recalled(Position(7, 4), wire.Recall("admin")),
    ]
    assert recalls_in(frame_of(*texts)) == []
    inside = wire.encode_item(wire.SettingsChanged(wire.MSGPACK.value({"k": "recall"})))
    assert recalls_in(frame_of(inside)) == []
    unreadable = b"\x81\xa1k\xa6recall"
    assert recalls_in(frame_of(unreadable)) == []
    with pytest.raises(ValueError, match="nested"):
        recalls_in(deep() + b"\xa1k\xa6recall")


def test_later_recalls_stand_for_earlier_ones() -> None:
    one_of_them, all_of_ann, all_of_bob = (kept.recall for kept in (one(1), of_user("ann"), of_user("bob")))
    whatever = everything().recall
    for earlier in (one_of_them, all_of_ann, whatever):
        assert covers(whatever, earlier)
    assert covers(all_of_ann, all_of_ann)
    for earlier in (all_of_bob, whatever, one_of_them):
        assert not covers(all_of_ann, earlier)
    assert not covers(one_of_them, one_of_them)
    assert not covers(whatever, everything(role="streamer").recall)


def test_an_item_by_its_position() -> None:
    frame = frame_of(comment("ann"), comment("bob"), seq=3)
    assert item_at(frame, Position(7, 4)) == comment("bob")
    for elsewhere in (Position(7, 2), Position(7, 5), Position(8, 4)):
        assert item_at(frame, elsewhere) is None
    assert item_at(b"no batch", Position(7, 4)) is None


NAMES = st.sampled_from(USERS)
ROLES = st.sampled_from([None, *STAFF])
ITEMS = st.one_of(
    st.builds(comment, NAMES, st.text(max_size=8), ROLES),
    st.builds(lambda uid, role: wire.encode_item(wire.Announce("hi", uid, uid, role)), NAMES, ROLES),
    st.builds(lambda uid: wire.encode_item(wire.Gift(uid, uid, "rose")), NAMES),
    st.sampled_from(
        [wire.encode_item(item) for item in (wire.Opened(), wire.Closed(), wire.Recall("admin"))]
    ),
    st.builds(lambda n: msgpack.packb({"k": "later", "uid": "ann", "n": n}), st.integers(0, 9)),
)
RECALLS = st.builds(
    lambda at, role, of, uid: Recalled(Position(7, at), wire.Recall(role, of=of, uid=None if of else uid)),
    st.integers(1, 30),
    st.sampled_from(STAFF),
    st.none() | st.builds(At, st.just(7), st.integers(1, 20)),
    st.none() | NAMES,
)


def is_recalled(position: Position, item: bytes, recalls: list[Recalled]) -> bool:
    """The rule, said once more."""
    read = msgpack.unpackb(item)
    for at, recall in recalls:
        if recall.of is not None:
            if recall.of.position == position < at:
                return True
        elif position < at and read["k"] in SAID and recall.uid in (None, read.get("uid")):
            rank = STAFF.index(read["role"]) if read.get("role") else -1
            if rank <= STAFF.index(recall.role):
                return True
    return False


@given(st.lists(ITEMS, min_size=1, max_size=12), st.integers(1, 12), st.lists(RECALLS, max_size=5))
def test_nothing_recalled_is_left_and_everything_else_stays(
    items: list[bytes], seq: int, recalls: list[Recalled]
) -> None:
    recalls = [one for one in recalls if one.recall.of is None or one.recall.of.position < one.at]
    frame = frame_of(*items, seq=seq)
    redacted = Redaction(recalls).of(frame)
    wanted = [
        GONE if is_recalled(Position(7, seq + index), item, recalls) else item
        for index, item in enumerate(items)
    ]
    assert items_of(redacted) == wanted
    assert redacted == frame_of(*wanted, seq=seq)
    assert Redaction(recalls).of(redacted) == redacted


@given(st.lists(ITEMS, min_size=1, max_size=12), st.lists(RECALLS, min_size=1, max_size=6))
def test_what_is_covered_need_not_be_kept(items: list[bytes], recalls: list[Recalled]) -> None:
    recalls = sorted(recalls, key=lambda one: one.at)
    newest = recalls[-1]
    ranked = [
        one
        for one in recalls
        if one.recall.of is None or is_allowed(items, one)  # an owner refuses any other
    ]
    if newest not in ranked:
        return
    kept = [one for one in ranked[:-1] if not covers(newest.recall, one.recall)] + [newest]
    frame = frame_of(*items)
    assert Redaction(kept).of(frame) == Redaction(ranked).of(frame)


def is_allowed(items: list[bytes], one: Recalled) -> bool:
    assert one.recall.of is not None
    seq = one.recall.of.seq
    said = recallable(items[seq - 1]) if seq <= len(items) else None
    return seq < one.at.seq and said is not None and said.role <= role_of(one.recall.role)
