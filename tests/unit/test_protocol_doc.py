"""docs/PROTOCOL.md says what the code does: refusals, close codes, frames and bytes."""

from __future__ import annotations

import json
import re
import typing
from pathlib import Path
from typing import Any

import pytest

from danmaku import wire, wire_chat
from danmaku.conversation import Change
from danmaku.errors import REFUSALS, Close, may_reconnect

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "PROTOCOL.md").read_text(encoding="utf-8")


def rows(heading: str) -> list[list[str]]:
    """The cells of every table row between this heading and the next."""
    section = re.split(r"^#+ ", TEXT.split(f"# {heading}\n", 1)[1], maxsplit=1, flags=re.MULTILINE)[0]
    return [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in section.splitlines()
        if line.startswith("| ")
    ]


def words(cell: str) -> set[str]:
    return {word.rstrip("?") for word in re.findall(r"`([a-z_.]+\??)`", cell)}


def test_the_table_of_refusals_is_the_code_s() -> None:
    told = {
        row[1].strip("`"): (row[0], row[2], row[3], row[4].replace("`", "")) for row in rows("Refusals")[1:]
    }
    assert told == {
        kind.name: (str(kind.code), str(kind.status), "yes" if kind.retry else "", kind.text)
        for kind in REFUSALS.values()
    }


def test_the_table_of_close_codes_is_the_code_s() -> None:
    told = {int(row[0]): row[2] for row in rows("Staying connected")[1:]}
    assert set(told) == {close.value for close in Close}
    assert all(("do not come back" in then) is not may_reconnect(code) for code, then in told.items())


def test_every_part_of_a_body_is_told() -> None:
    told = {name: words(row[1]) for row in rows("Messages")[1:] for name in words(row[0])}
    for struct in typing.get_args(wire_chat.Part):
        assert set(struct.__struct_fields__) == told[struct.__struct_config__.tag]


def test_every_change_of_a_group_is_told() -> None:
    [text] = [row[1] for row in rows("Messages") if row[0] == "`member`"]
    verbs = {struct.__struct_config__.tag for struct in typing.get_args(Change)}
    assert words(text) == verbs | {"from", "at", "change"}


@pytest.mark.parametrize(
    ("heading", "union", "known"),
    [
        ("What a client says", wire.ClientFrame, {"t", "id"}),
        ("What the server says", wire.ServerFrame, {"t"}),
        ("Items", wire.Item, {"k"}),
    ],
)
def test_every_frame_and_field_is_told(heading: str, union: Any, known: set[str]) -> None:
    told = {name: words(row[1]) for row in rows(heading)[1:] for name in words(row[0])}
    for struct in typing.get_args(union):
        name = struct.__struct_config__.tag
        assert name in told
        if name != "ok":  # its fields depend on the question
            assert set(struct.__struct_encode_fields__) - known == told[name] - known


def test_every_field_of_an_answer_is_told() -> None:
    told = {word for row in rows("What a client says")[1:] for word in words(row[2])}
    assert told == set(wire.Ok.__struct_encode_fields__) - {"id"}


def test_the_bytes_are_golden() -> None:
    golden = json.loads((ROOT / "tests" / "golden" / "frames.json").read_text(encoding="utf-8"))
    known = {(one["json_text"], one["msgpack_hex"]) for one in golden}
    section = TEXT.split("### On the wire", 1)[1]
    told = re.findall(r"^```\n(.*)\n([0-9a-f]+)\n```$", section, flags=re.MULTILINE)
    assert len(told) == section.count("```") // 2 > 0
    assert set(told) <= known


def test_the_limits_of_the_code_are_told() -> None:
    told = {row[0]: row[1] for row in rows("Limits")}
    assert told["frames in one message"] == str(wire.MAX_FRAMES_PER_MESSAGE)
    assert told["conversations per `chat.pull`"].startswith(str(wire_chat.MAX_PULL))
    most = [wire_chat.MAX_PARTS, wire_chat.MAX_TEXT, wire_chat.MAX_BODY_BYTES // 1024, wire_chat.MAX_URL]
    body = [word.replace(",", "") for word in re.findall(r"\d[\d,]*", told["body of a message"])]
    assert body == [str(number) for number in (*most, wire_chat.MAX_MENTIONS)]
