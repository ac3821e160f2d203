from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from websockets.frames import Frame, Opcode
from websockets.protocol import SERVER, Protocol

from loadtest import frames

payloads = st.lists(st.binary(max_size=300) | st.integers(0, 70_000).map(bytes), max_size=6)


def from_server(payload: bytes) -> bytes:
    return Frame(Opcode.BINARY, payload).serialize(mask=False)


@given(payloads, st.lists(st.integers(0, 80_000), max_size=5))
def test_frames_come_out_whole_however_the_bytes_arrive(payloads: list[bytes], cuts: list[int]) -> None:
    data = b"".join(from_server(payload) for payload in payloads)
    found: list[bytes] = []
    rest = b""
    edges = sorted(min(cut, len(data)) for cut in cuts)
    for begin, end in zip([0, *edges], [*edges, len(data)], strict=True):
        whole, rest = frames.split(rest + data[begin:end])
        assert all(opcode == Opcode.BINARY for opcode, _ in whole)
        found += [payload for _, payload in whole]
    assert found == payloads
    assert rest == b""


@given(st.lists(st.integers(0, 5), max_size=1200), st.binary(max_size=100))
def test_what_was_split_before_is_split_alike(sizes: list[int], cut: bytes) -> None:
    splitter = frames.Splitter()
    for number, size in enumerate(sizes):
        data = from_server(bytes(size * 5000) + bytes([number % 251])) + cut
        assert splitter.split(data) == frames.split(data)


@given(st.binary(max_size=300) | st.integers(0, 70_000).map(bytes))
def test_a_client_frame_is_understood_by_another_implementation(payload: bytes) -> None:
    server = Protocol(SERVER, max_size=2**20)
    server.receive_data(frames.masked(payload))
    (event,) = server.events_received()
    assert isinstance(event, Frame)
    assert event.opcode is Opcode.BINARY
    assert event.data == payload


def test_an_upgrade_is_a_request_for_the_subprotocol() -> None:
    head = frames.upgrade("localhost:1", "/v1/ws", "danmaku.v1.json").decode()
    assert head.startswith("GET /v1/ws HTTP/1.1\r\nHost: localhost:1\r\n")
    assert "Sec-WebSocket-Protocol: danmaku.v1.json\r\n" in head
    assert head.endswith("\r\n\r\n")
