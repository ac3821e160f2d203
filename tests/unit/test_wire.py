from __future__ import annotations

import json
import typing
import zlib
from typing import Any, Literal

import msgpack
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from danmaku import wire
from danmaku.model import Mode, Position
from danmaku.wire import (
    JSON,
    MAX_FRAMES_PER_MESSAGE,
    MAX_NUMBER,
    MSGPACK,
    At,
    Batch,
    ClientFrame,
    Codec,
    Malformed,
    Ok,
    Ping,
    Send,
    ServerFrame,
    Skip,
)

CODECS = pytest.mark.parametrize("codec", [MSGPACK, JSON], ids=["msgpack", "json"])
NUMBERS = st.integers(0, MAX_NUMBER)
TEXTS = st.text(max_size=30)


def frames(union: Any) -> st.SearchStrategy[Any]:
    """Frames of every kind, with any value a client could give; what is encoded apart is still plain."""
    return st.one_of([_frame(struct) for struct in typing.get_args(union)])


def _frame(struct: Any) -> st.SearchStrategy[Any]:
    return st.builds(struct, **{field.name: _values(field.type) for field in msgspec.structs.fields(struct)})


def _values(kind: Any) -> st.SearchStrategy[Any]:
    simple: dict[Any, st.SearchStrategy[Any]] = {
        int: NUMBERS,
        wire.Number: NUMBERS,
        str: TEXTS,
        bool: st.booleans(),
        type(None): st.none(),
        At: st.builds(At, NUMBERS, NUMBERS),
        Mode: st.sampled_from(["scroll", "top", "bottom"]),
        Literal["all"]: st.just("all"),
        msgspec.Raw: st.dictionaries(TEXTS, NUMBERS, max_size=2),
    }
    if kind in simple:
        return simple[kind]
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return _frame(kind)
    if typing.get_origin(kind) is list:
        return st.lists(_values(typing.get_args(kind)[0]), max_size=3)
    if typing.get_origin(kind) is dict:
        return st.dictionaries(TEXTS, NUMBERS, max_size=3)
    return st.one_of([_values(option) for option in typing.get_args(kind)])


def encoded(codec: Codec, frame: Any) -> bytes:
    """As a server encodes: first what stands apart, then the frame."""
    apart: dict[str, Any] = {}
    for field in msgspec.structs.fields(frame):
        plain = getattr(frame, field.name)
        if field.type is msgspec.Raw:
            apart[field.name] = codec.value(plain)
        elif field.type == list[msgspec.Raw]:
            apart[field.name] = [codec.value(one) for one in plain]
    return codec.encode(msgspec.structs.replace(frame, **apart))


def glue(codec: Codec, parts: list[bytes]) -> bytes:
    return (b"" if codec.binary else b"\n").join(parts)


def pack(codec: Codec, value: Any) -> bytes:
    return msgpack.packb(value) if codec.binary else json.dumps(value).encode()


@CODECS
@given(st.binary(max_size=200))
def test_decoding_never_raises(codec: Codec, message: bytes) -> None:
    assert codec.decode(message)


@CODECS
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False) | TEXTS,
        lambda inner: (
            st.lists(inner, max_size=4)
            | st.dictionaries(
                st.sampled_from(["t", "id", "room", "since", "text", "cid", "n"]) | TEXTS, inner, max_size=6
            )
        ),
        max_leaves=12,
    )
)
def test_decoding_any_value_never_raises_and_every_answer_can_be_written(codec: Codec, value: Any) -> None:
    for frame in codec.decode(pack(codec, value)):
        for answer in (MSGPACK, JSON):
            answer.encode(wire.Err(frame.id, 4000, "bad_frame", "no"))


@CODECS
@given(frames(ClientFrame))
def test_client_frames_come_back_as_they_were(codec: Codec, frame: ClientFrame) -> None:
    assert codec.decode(codec.encode(frame)) == [frame]


@CODECS
@given(frames(ServerFrame))
def test_server_frames_come_back_as_they_were(codec: Codec, frame: ServerFrame) -> None:
    message = encoded(codec, frame)
    [came] = codec.decode_server(message)
    assert type(came) is type(frame)
    assert codec.encode(came) == message


@CODECS
@given(st.lists(frames(ClientFrame), min_size=1, max_size=5))
def test_several_frames_in_one_message(codec: Codec, sent: list[ClientFrame]) -> None:
    assert codec.decode(glue(codec, [codec.encode(frame) for frame in sent])) == sent


@CODECS
@given(st.lists(frames(ServerFrame), max_size=5))
def test_several_server_frames_in_one_message(codec: Codec, sent: list[ServerFrame]) -> None:
    parts = [encoded(codec, frame) for frame in sent]
    assert [codec.encode(frame) for frame in codec.decode_server(glue(codec, parts))] == parts


@CODECS
@given(st.lists(frames(ClientFrame), min_size=1, max_size=3), st.binary(max_size=20))
def test_frames_before_garbage_are_read(codec: Codec, sent: list[ClientFrame], garbage: bytes) -> None:
    message = glue(codec, [*(codec.encode(frame) for frame in sent), garbage])
    assert codec.decode(message)[: len(sent)] == sent


@CODECS
def test_a_message_holds_a_limited_number_of_frames(codec: Codec) -> None:
    ping = codec.encode(Ping(1))
    assert codec.decode(glue(codec, [ping] * MAX_FRAMES_PER_MESSAGE)) == [Ping(1)] * MAX_FRAMES_PER_MESSAGE
    assert codec.decode(glue(codec, [ping] * (MAX_FRAMES_PER_MESSAGE + 1))) == [
        Malformed(None, "more than 64 frames in one message")
    ]


@CODECS
def test_a_bad_frame_among_good_ones_is_told_apart(codec: Codec) -> None:
    parts = [codec.encode(Ping(1)), pack(codec, {"t": "dance", "id": 2}), codec.encode(Ping(3))]
    good, bad, also_good = codec.decode(glue(codec, parts))
    assert (good, also_good) == (Ping(1), Ping(3))
    assert bad == Malformed(2, "Invalid value 'dance' - at `$.t`")


@CODECS
def test_unknown_keys_are_ignored(codec: Codec) -> None:
    assert codec.decode(pack(codec, {"t": "ping", "id": 5, "of": "tomorrow"})) == [Ping(5)]


@CODECS
@pytest.mark.parametrize(
    ("value", "number"),
    [
        ({"t": "join", "id": 7}, 7),
        ({"t": "join", "id": 7, "room": 5}, 7),
        ({"t": "send", "id": 7, "room": "r", "text": "x", "cid": "c", "mode": "upside down"}, 7),
        ({"t": "send", "id": 7, "room": "r", "text": "x", "cid": "c", "color": -1}, 7),
        ({"t": "like", "id": 7, "room": "r", "n": 2**60}, 7),
        ({"t": "hello", "id": 7, "n": 1.5}, 7),
        ({"t": 1, "id": 7}, 7),
        ({"id": 7}, 7),
        ({"t": "ping"}, None),
        ({"t": "ping", "id": "7"}, None),
        ({"t": "ping", "id": True}, None),
        ({"t": "ping", "id": -1}, None),
        ({"t": "ping", "id": MAX_NUMBER + 1}, None),
        (["ping", 7], None),
        (7, None),
        (None, None),
    ],
)
def test_what_does_not_fit_keeps_its_id_where_it_has_one(
    codec: Codec, value: Any, number: int | None
) -> None:
    [frame] = codec.decode(pack(codec, value))
    assert isinstance(frame, Malformed)
    assert frame.id == number
    assert frame.reason


@CODECS
def test_the_largest_number_fits(codec: Codec) -> None:
    assert codec.decode(codec.encode(Ping(MAX_NUMBER))) == [Ping(MAX_NUMBER)]


@pytest.mark.parametrize(
    ("codec", "message", "reason"),
    [
        (MSGPACK, b"", "empty message"),
        (JSON, b"", "empty message"),
        (JSON, b"\n  \n", "empty message"),
        (MSGPACK, b"\x81\xa1", "ends inside a frame"),
        (MSGPACK, b"\xdd\xff\xff\xff\xff", "ends inside a frame"),
        (MSGPACK, b"\xc6\xff\xff\xff\xff", "ends inside a frame"),
        (MSGPACK, b"\xc1", "not msgpack"),
        (MSGPACK, b"\x91" * 50_000 + b"\x90", "nested too deep"),
        (MSGPACK, b"\x81\xa1t\xa4pi\xffg", "utf-8"),
        (MSGPACK, b"\x81\xa1t\x91" + b"\x91" * 400 + b"\x90", "Expected `str`"),
        (MSGPACK, b'{"t":"hello","id":1}', "offer the subprotocol danmaku.v1.json for JSON"),
        (MSGPACK, b'\n {"t":"hello"}\n{"t":"ping"}', "speaks msgpack in binary messages"),
        (JSON, MSGPACK.encode(Ping(1)), "offer the subprotocol danmaku.v1.msgpack for msgpack"),
        (JSON, b"\xde\x00\x01\n\n", "speaks JSON in text messages"),
        (JSON, b"[" * 50_000, "Expected `object`"),
        (JSON, b'{"t":"ping","x":' + b"[" * 50_000, "recursion"),
        (JSON, b'{"t":"pi\xffg","id":1}', "utf-8"),
        (JSON, b'{"t":"ping","id":1}{"t":"ping","id":2}', "trailing"),
        (JSON, b'{"t":"ping","id":99999999999999999999999999999}', "<= 9007199254740991"),
        (JSON, b'{"t":"ping","id":1', "truncated"),
    ],
)
def test_a_broken_message_is_a_frame_that_says_why(codec: Codec, message: bytes, reason: str) -> None:
    [frame] = codec.decode(message)
    assert isinstance(frame, Malformed)
    assert reason.lower() in frame.reason.lower()


def test_a_frame_of_the_other_subprotocol_is_answered_by_its_id() -> None:
    for codec, other in ((MSGPACK, JSON), (JSON, MSGPACK)):
        [frame] = codec.decode(other.encode(Ping(7)))
        assert isinstance(frame, Malformed)
        assert frame.id == 7


@CODECS
@given(st.binary(max_size=100))
def test_reading_a_server_raises_nothing_but_value_errors(codec: Codec, message: bytes) -> None:
    try:
        codec.decode_server(message)
    except ValueError:
        return


@CODECS
def test_server_frames_of_a_later_version_are_left_out(codec: Codec) -> None:
    skip = Skip("demo", 1, 2, 3)
    parts = [pack(codec, {"t": "of tomorrow"}), codec.encode(skip), pack(codec, {"t": "dance", "id": {}})]
    assert codec.decode_server(glue(codec, parts)) == [skip]


@CODECS
@pytest.mark.parametrize("value", [{"t": "batch"}, {"t": "ok", "id": "x"}, {"t": 5}, {}, [], 5])
def test_server_frames_that_do_not_fit_are_an_error(codec: Codec, value: Any) -> None:
    with pytest.raises(ValueError, match=r".+"):
        codec.decode_server(pack(codec, value))


@pytest.mark.parametrize(
    ("codec", "message"),
    [
        (MSGPACK, b"\x91" * 50_000 + b"\x90"),
        (MSGPACK, b"\x91" * 1000 + b"\x90"),
        (MSGPACK, b"\x81\xa1x" * 450 + b"\x90"),
        (JSON, b"[" * 50_000),
        (JSON, b'{"t":"stats","x":' + b"[" * 50_000),
    ],
)
def test_a_server_cannot_nest_its_way_in(codec: Codec, message: bytes) -> None:
    with pytest.raises(ValueError, match=r".+"):
        codec.decode_server(message)


@pytest.mark.parametrize(
    ("offered", "codec"),
    [
        (None, MSGPACK),
        ("", MSGPACK),
        ("danmaku.v1.json", JSON),
        ("chat, danmaku.v1.json , danmaku.v1.msgpack", JSON),
        ("danmaku.v1.msgpack,danmaku.v1.json", MSGPACK),
        ("danmaku.v2.json", None),
        ("DANMAKU.V1.JSON", None),
    ],
)
def test_the_subprotocol_is_the_first_that_is_spoken(offered: str | None, codec: Codec | None) -> None:
    assert wire.codec_for(offered) is codec


@given(
    st.lists(frames(wire.Item), max_size=4),
    NUMBERS,
    NUMBERS,
    st.none() | st.builds(Position, NUMBERS, NUMBERS),
)
def test_a_batch_is_encoded_once_and_read_by_everybody(
    items: list[wire.Item], epoch: int, seq: int, prev: Position | None
) -> None:
    parts = [encoded(MSGPACK, item) for item in items]
    frame = wire.encode_batch("demo", Position(epoch, seq), 5, parts, prev)
    assert MSGPACK.batch(frame) is frame
    for codec in (MSGPACK, JSON):
        [batch] = codec.decode_server(codec.batch(frame))
        assert isinstance(batch, Batch)
        assert (batch.room, batch.epoch, batch.seq, batch.at) == ("demo", epoch, seq, 5)
        assert (batch.prev and batch.prev.position) == prev
        assert [codec.read(item) for item in batch.items] == [msgpack.unpackb(part) for part in parts]


@CODECS
def test_history_and_values_travel_inside_an_answer(codec: Codec) -> None:
    batches = [
        codec.batch(wire.encode_batch("demo", Position(1, seq), 5, [wire.encode_item(wire.Gone())]))
        for seq in (1, 2)
    ]
    sent = Ok(1, history=codec.history(batches), settings=codec.value({"slow_s": 3}))
    [ok] = codec.decode_server(codec.encode(sent))
    assert isinstance(ok, Ok)
    assert [batch.seq for batch in codec.read(ok.history, list[Batch])] == [1, 2]
    assert codec.read(ok.settings) == {"slow_s": 3}
    assert codec.read(codec.history([])) == []


def test_the_base_codec_is_only_a_shape() -> None:
    codec = Codec()
    for call in (
        lambda: codec.decode(b""),
        lambda: codec.decode_server(b""),
        lambda: codec.encode(Ping(1)),
        lambda: codec.batch(b""),
        lambda: codec.history([]),
        lambda: codec.value(None),
        lambda: codec.read(msgspec.Raw()),
    ):
        with pytest.raises(NotImplementedError):
            call()


def test_defaults_are_left_out() -> None:
    assert JSON.encode(Send(1, "r", "x", "c")) == b'{"t":"send","id":1,"room":"r","text":"x","cid":"c"}'
    assert At.of(Position(1, 2)).position == Position(1, 2)


def test_blank_lines_are_no_frames() -> None:
    line = wire.JSON.encode(wire.Notice("resync"))
    assert wire.JSON.decode_server(b"\n" + line + b"\n \n") == [wire.Notice("resync")]


def test_a_compressed_message_is_read_as_what_it_was() -> None:
    frame = wire.MSGPACK.encode(wire.Ok(1))
    assert wire.inflated(frame) == frame
    assert wire.inflated(b"") == b""
    assert wire.inflated(zlib.compress(frame * 100)) == frame * 100


@pytest.mark.parametrize(
    "broken",
    [
        b"x",
        b"x\x9c",
        b"x\x9d\x00",  # no header of zlib
        zlib.compress(b"a" * 100)[:-1],
        zlib.compress(b"a") + b"!",
        zlib.compress(bytes(5_000_000)),
    ],
)
def test_a_broken_or_boundless_compressed_message_is_refused(broken: bytes) -> None:
    with pytest.raises(ValueError, match="compressed"):
        wire.inflated(broken)
