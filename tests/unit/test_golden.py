"""The bytes on the wire, word for word: whoever changes one of them breaks every client."""

from __future__ import annotations

import json
import typing
from pathlib import Path
from typing import Any

import msgpack
import msgspec
import pytest

from danmaku import wire
from danmaku.model import Position
from danmaku.wire import JSON, MSGPACK

FRAMES: list[dict[str, Any]] = json.loads(
    (Path(__file__).parent.parent / "golden" / "frames.json").read_text(encoding="utf-8")
)
NAMES = [golden["name"] for golden in FRAMES]
SIDES = {"client": wire.ClientFrame, "server": wire.ServerFrame, "item": wire.Item}


def of(side: str) -> list[Any]:
    chosen = [golden for golden in FRAMES if golden["side"] == side]
    return [pytest.param(golden, id=golden["name"]) for golden in chosen]


def test_names_are_unique() -> None:
    assert len(set(NAMES)) == len(NAMES)


@pytest.mark.parametrize("golden", FRAMES, ids=NAMES)
def test_a_second_opinion_reads_the_same(golden: dict[str, Any]) -> None:
    packed = bytes.fromhex(golden["msgpack_hex"])
    assert msgpack.unpackb(packed) == golden["frame"]
    if golden["frame"].get("t") != "ok":  # an `ok` spends two bytes on a longer header, which is as valid
        assert msgpack.packb(golden["frame"]) == packed
    assert json.loads(golden["json_text"]) == golden["frame"]
    assert "\n" not in golden["json_text"]


@pytest.mark.parametrize("golden", of("client"))
def test_client_frames_are_the_golden_bytes_in_both_forms(golden: dict[str, Any]) -> None:
    packed, text = bytes.fromhex(golden["msgpack_hex"]), golden["json_text"].encode()
    [frame] = MSGPACK.decode(packed)
    assert not isinstance(frame, wire.Malformed)
    assert JSON.decode(text) == [frame]
    assert (MSGPACK.encode(frame), JSON.encode(frame)) == (packed, text)
    assert msgspec.to_builtins(frame) == golden["frame"]


@pytest.mark.parametrize("golden", of("server"))
def test_server_frames_are_the_golden_bytes_in_both_forms(golden: dict[str, Any]) -> None:
    packed, text = bytes.fromhex(golden["msgpack_hex"]), golden["json_text"].encode()
    [from_packed], [from_text] = MSGPACK.decode_server(packed), JSON.decode_server(text)
    assert type(from_packed) is type(from_text)
    assert (MSGPACK.encode(from_packed), JSON.encode(from_text)) == (packed, text)
    assert JSON.batch(packed) == text  # how an edge transcodes what the owner encoded


@pytest.mark.parametrize("golden", of("item"))
def test_items_are_the_golden_bytes_in_both_forms(golden: dict[str, Any]) -> None:
    packed, text = bytes.fromhex(golden["msgpack_hex"]), golden["json_text"].encode()
    item = MSGPACK.read(msgspec.Raw(packed), wire.Item)
    assert wire.encode_item(item) == packed
    assert bytes(JSON.value(JSON.read(msgspec.Raw(text), wire.Item))) == text


@pytest.mark.parametrize("side", SIDES)
def test_every_frame_and_every_field_has_its_golden_bytes(side: str) -> None:
    key = "k" if side == "item" else "t"
    shown: dict[str, set[str]] = {}
    for golden in FRAMES:
        if golden["side"] == side:
            shown.setdefault(golden["frame"][key], set()).update(golden["frame"])
    defined = {
        struct.__struct_config__.tag: {key, *struct.__struct_encode_fields__}
        for struct in typing.get_args(SIDES[side])
    }
    assert shown == defined


def test_what_an_owner_encodes_is_the_golden_batch() -> None:
    golden = next(golden for golden in FRAMES if golden["name"] == "batch, first of an epoch")
    frame = golden["frame"]
    encoded = wire.encode_batch(
        frame["room"],
        Position(frame["epoch"], frame["seq"]),
        frame["at"],
        [msgpack.packb(item) for item in frame["items"]],
        Position(**frame["prev"]),
    )
    assert encoded.hex() == golden["msgpack_hex"]
