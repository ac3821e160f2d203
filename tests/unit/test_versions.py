"""Two adjacent versions side by side: each reads what the other says on the bus, and its log of changes.

`tests/golden/envelopes.json` is what the version before said, byte for byte. A field is only ever added,
behind those that are there: so a reader that skips what it does not know reads a newer version, too.

With each release: `python -m tests.unit.test_versions > envelopes.json`, for the next one to be tested by.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgpack
import msgspec
import pytest

from danmaku import change, chat, envelope
from danmaku.envelope import Out
from tests.unit import test_change, test_chat, test_envelope

RECORDED: list[dict[str, str]] = json.loads(
    (Path(__file__).parent.parent / "golden" / "envelopes.json").read_text(encoding="utf-8")
)
MODULES = {"envelope": envelope, "chat": chat, "change": change}
TODAY: list[tuple[Any, Callable[[bytes], Any]]] = [
    *test_envelope.MESSAGES,
    *test_chat.MESSAGES,
    *((one, change.decode) for one in test_change.CHANGES),
]
MORE = "a field of a later version"


def decoder(recorded: dict[str, str]) -> Callable[[bytes], Any]:
    module, _, name = recorded["decoder"].partition(".")
    decode: Callable[[bytes], Any] = getattr(MODULES[module], name)
    return decode


def plain(message: bytes) -> Any:
    return msgpack.unpackb(message, strict_map_key=False)


def says_at_least(now: Any, before: Any) -> bool:
    """Whether all that was said `before` is said `now`, at the same place."""
    if isinstance(before, list):
        return (
            isinstance(now, list)
            and len(now) >= len(before)
            and all(says_at_least(new, old) for new, old in zip(now, before, strict=False))
        )
    if isinstance(before, dict):
        return isinstance(now, dict) and all(
            key in now and says_at_least(now[key], value) for key, value in before.items()
        )
    return bool(now == before)


def widened(value: Any) -> Any:
    """The same as a later version would say it: one more field in each struct, however deep."""
    if isinstance(value, msgspec.Struct):
        config = value.__struct_config__
        fields = [
            (field.encode_name, widened(getattr(value, field.name)))
            for field in msgspec.structs.fields(value)
        ]
        if config.array_like:
            tag = [] if config.tag is None else [config.tag]
            return [*tag, *(inside for _, inside in fields), MORE]
        tagged = {} if config.tag_field is None else {config.tag_field: config.tag}
        return {**tagged, **dict(fields), "later": MORE}
    if isinstance(value, list | tuple):
        return [widened(one) for one in value]
    if isinstance(value, dict):
        return {key: widened(one) for key, one in value.items()}
    return value


@pytest.mark.parametrize("recorded", RECORDED, ids=[one["name"] for one in RECORDED])
def test_what_the_version_before_said_is_read_whole(recorded: dict[str, str]) -> None:
    message = bytes.fromhex(recorded["hex"])
    read = decoder(recorded)(message)
    assert read is not None
    if isinstance(read, Out):
        assert envelope.encode_out(read) == message
    else:
        assert says_at_least(plain(envelope.encode(read)), plain(message))


@pytest.mark.parametrize(
    ("message", "decode"), TODAY, ids=[f"{type(message).__name__}" for message, _ in TODAY]
)
def test_what_a_later_version_adds_is_skipped_however_deep(
    message: Any, decode: Callable[[bytes], Any]
) -> None:
    later = envelope.encode(widened(message))
    assert MORE.encode() in later
    assert decode(later) == message


def test_a_later_header_of_room_out_is_refused_by_its_version() -> None:
    message = bytes.fromhex(next(one["hex"] for one in RECORDED if one["name"] == "Out"))
    assert message[0] == envelope.OUT_VERSION
    with pytest.raises(ValueError, match="version 1"):
        envelope.decode_out(bytes([envelope.OUT_VERSION + 1]) + message[1:])


def said() -> list[dict[str, str]]:
    """What this version says, to be recorded."""
    names = {
        getattr(module, name): f"{words}.{name}"
        for words, module in MODULES.items()
        for name in dir(module)
        if name.startswith("decode")
    }
    of_kind: Counter[str] = Counter()
    recorded = []
    for message, decode in TODAY:
        kind = type(message).__name__
        of_kind[kind] += 1
        name = kind if of_kind[kind] == 1 else f"{kind} {of_kind[kind]}"
        recorded.append({"name": name, "decoder": names[decode], "hex": envelope.encode(message).hex()})
    out = envelope.encode_out(test_envelope.OUT).hex()
    return [*recorded, {"name": "Out", "decoder": "envelope.decode_out", "hex": out}]


def test_each_decoder_is_known_by_its_name() -> None:
    assert all(decoder(one)(bytes.fromhex(one["hex"])) is not None for one in said())
    assert len({one["name"] for one in said()}) == len(said())


if __name__ == "__main__":
    sys.stdout.write(json.dumps(said(), indent=1) + "\n")
