from __future__ import annotations

import ipaddress
from collections import Counter
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.settings import Edge
from danmaku import wire
from danmaku.errors import Refusal
from edge.admission import Admission, client_address
from edge.allowance import Allowances

NOBODY = {"upgrade": "websocket"}  # a browser of no origin, through no proxy


def admission_of(
    settings: Edge, sockets: int = 10_000, descriptors: Callable[[], int] = lambda: 0
) -> Admission:
    allowances = Allowances(settings)
    return Admission(settings, allowances, sockets, descriptors)


def refused(admission: Admission, headers: dict[str, str], peer: str = "1.1.1.1") -> tuple[str, int]:
    with pytest.raises(Refusal) as caught:
        admission.judge(headers, peer, 0.0)
    return caught.value.name, caught.value.kind.status


def test_the_subprotocol_decides_the_codec() -> None:
    admission = admission_of(Edge())
    assert admission.judge(NOBODY, "1.1.1.1", 0.0).codec is wire.MSGPACK
    assert (
        admission.judge(NOBODY | {"sec-websocket-protocol": "x, danmaku.v1.json"}, "1.1.1.1", 0.0).codec
        is wire.JSON
    )
    assert refused(admission, NOBODY | {"sec-websocket-protocol": "chat"}) == ("bad_frame", 400)


def test_what_asks_for_no_upgrade_is_none() -> None:
    assert refused(admission_of(Edge()), {}) == ("upgrade_required", 426)
    assert refused(admission_of(Edge()), {"upgrade": "h2c"}) == ("upgrade_required", 426)
    assert admission_of(Edge()).judge({"upgrade": "WebSocket"}, "1.1.1.1", 0.0)


def test_who_only_asks_is_told_what_else_stands_in_the_way() -> None:
    strict = admission_of(Edge(origins=["https://live.example"], connections=1))
    assert refused(strict, {"origin": "https://evil.example"}) == ("forbidden", 403)
    assert refused(strict, {"origin": "https://live.example"}) == ("upgrade_required", 426)
    strict.opened("a")
    assert refused(strict, {}) == ("unavailable", 503)
    paced = admission_of(Edge(address_per_s=1, address_burst=1))
    for _ in range(3):
        assert refused(paced, {}) == ("upgrade_required", 426)
    assert paced.judge(NOBODY, "1.1.1.1", 0.0)


def test_origins_are_on_a_list_or_free() -> None:
    evil = NOBODY | {"origin": "https://evil.example"}
    assert admission_of(Edge()).judge(evil, "1.1.1.1", 0.0)
    strict = admission_of(Edge(origins=["https://live.example"]))
    assert refused(strict, evil) == ("forbidden", 403)
    assert strict.judge(NOBODY | {"origin": "https://live.example"}, "1.1.1.1", 0.0)
    assert strict.judge(NOBODY, "1.1.1.1", 0.0)


def test_connections_are_bounded() -> None:
    admission = admission_of(Edge(connections=2, connections_per_address=0))
    admission.opened("a")
    admission.opened("b")
    assert refused(admission, NOBODY) == ("unavailable", 503)
    admission.closed("a")
    assert admission.judge(NOBODY, "1.1.1.1", 0.0)


def test_who_comes_over_a_connection_that_was_kept_is_turned_away_while_closed() -> None:
    admission = admission_of(Edge())
    admission.is_closed = True
    assert refused(admission, NOBODY) == ("unavailable", 503)
    admission.is_closed = False
    assert admission.judge(NOBODY, "1.1.1.1", 0.0)


def test_connections_per_address_are_bounded() -> None:
    admission = admission_of(Edge(connections_per_address=2))
    for _ in range(2):
        admission.opened(admission.judge(NOBODY, "1.1.1.1", 0.0).address)
    assert refused(admission, NOBODY) == ("rate_limited", 429)
    assert admission.judge(NOBODY, "2.2.2.2", 0.0).address == "2.2.2.2"
    admission.closed("1.1.1.1")
    assert admission.judge(NOBODY, "1.1.1.1", 0.0)
    admission.closed("1.1.1.1")


def test_only_trusted_proxies_speak_for_others() -> None:
    forwarded = NOBODY | {"x-forwarded-for": "6.6.6.6, 9.9.9.9"}
    assert admission_of(Edge()).judge(forwarded, "10.0.0.1", 0.0).address == "10.0.0.1"
    behind = admission_of(Edge(trusted_proxies=["10.0.0.0/8"]))
    assert behind.judge(forwarded, "10.0.0.1", 0.0).address == "9.9.9.9"
    assert behind.judge(forwarded, "1.1.1.1", 0.0).address == "1.1.1.1"
    with pytest.raises(ValueError, match="proxy"):
        admission_of(Edge(trusted_proxies=["proxy"]))


@pytest.mark.parametrize(
    ("forwarded", "address"),
    [
        ("", "10.0.0.1"),
        (" , ", "10.0.0.1"),
        ("7.7.7.7, 10.0.0.2", "7.7.7.7"),
        ("10.0.0.3, 10.0.0.2", "10.0.0.3"),
        ("7.7.7.7:50123", "7.7.7.7"),
        ("7.7.7.7, 10.0.0.2:80", "7.7.7.7"),
        ("::ffff:7.7.7.7", "7.7.7.7"),
        ("2001:db8:0:1:2:3:4:5", "2001:db8:0:1::/64"),
        ("[2001:db8:0:1::9]", "2001:db8:0:1::/64"),
        ("[2001:db8:0:1::9]:50123", "2001:db8:0:1::/64"),
        ("fe80::9%eth0", "fe80::/64"),
        ("7.7.7.7, unknown", "10.0.0.1"),
        ("unknown, 10.0.0.2", "10.0.0.1"),
    ],
)
def test_the_nearest_untrusted_hop_is_the_client(forwarded: str, address: str) -> None:
    assert client_address(forwarded, "10.0.0.1", [ipaddress.ip_network("10.0.0.0/8")]) == address


@pytest.mark.parametrize(("peer", "address"), [("", ""), ("2001:db8::9", "2001:db8::/64")])
def test_a_peer_may_have_no_address_or_a_whole_network(peer: str, address: str) -> None:
    assert client_address("6.6.6.6", peer, [ipaddress.ip_network("10.0.0.0/8")]) == address


def test_no_more_tcp_connections_come_in_than_there_are_descriptors_for() -> None:
    admission = admission_of(Edge(connections_per_address=0), 2, lambda: 2)
    assert [admission.arrive("1.1.1.1", 0) for _ in range(3)] == [True, True, False]
    admission.said_goodbye("1.1.1.1")
    assert not admission.arrive("2.2.2.2", 1), "it may be there still"
    admission.gone("1.1.1.1")
    assert admission.arrive("2.2.2.2", 1)


def test_where_all_who_said_goodbye_are_gone_others_may_come() -> None:
    """They are not known to be gone; the descriptors tell, and are not counted for each who comes."""
    counted: list[int] = []
    there = 3

    def descriptors() -> int:
        counted.append(there)
        return there

    admission = admission_of(Edge(connections_per_address=0), 10, descriptors)
    for _ in range(10):
        assert admission.arrive("1.1.1.1", 0)
    for _ in range(10):
        admission.said_goodbye("1.1.1.1")
    assert counted == []
    assert [admission.arrive("2.2.2.2", 5) for _ in range(8)] == [True] * 7 + [False]
    assert len(counted) == 1
    there = 9
    assert [admission.arrive("2.2.2.2", 6) for _ in range(2)] == [True, False]
    for _ in range(10):
        admission.gone("1.1.1.1")
    assert [admission.arrive("2.2.2.2", 6) for _ in range(3)] == [True, True, False]


def test_nobody_has_all_tcp_connections_but_a_proxy() -> None:
    admission = admission_of(Edge(connections_per_address=10, trusted_proxies=["10.0.0.0/8"]))
    for address, more in (("1.1.1.1", "1.1.1.1"), ("2001:db8::1", "2001:db8::2")):
        came = [admission.arrive(address, 0) for _ in range(300)]
        assert sum(came) == 10 + 256, "some are left to say no to"
        assert not admission.arrive(more, 0), "of IPv6 the network counts"
        admission.said_goodbye(more)
        assert admission.arrive(address, 0)
        for _ in range(265):
            admission.said_goodbye(more)
        assert not admission.arrive(address, 0), "all of these may be there still"
        admission.gone(more)
        assert admission.arrive(address, 0)
    assert all(admission.arrive("10.1.2.3", 0) for _ in range(300))
    for _ in range(300):
        admission.said_goodbye("10.1.2.3")
        admission.gone("10.1.2.3")
    assert admission.arrive("no address at all", 0)


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(["come", "bye", "gone"])), max_size=200))
def test_what_is_counted_comes_back_to_nothing(steps: list[tuple[str, str]]) -> None:
    admission = admission_of(Edge(connections_per_address=3), 20, lambda: 20)
    inside, leaving = Counter[str](), Counter[str]()
    for now, (peer, step) in enumerate(steps):
        if step == "come" and admission.arrive(peer, now):
            inside[peer] += 1
        elif step == "bye" and inside[peer]:
            admission.said_goodbye(peer)
            inside[peer] -= 1
            leaving[peer] += 1
        elif step == "gone" and leaving[peer]:
            admission.gone(peer)
            leaving[peer] -= 1
        assert inside.total() + leaving.total() <= 20
    for peer in inside.elements():
        admission.said_goodbye(peer)
    for peer in (inside + leaving).elements():
        admission.gone(peer)
    assert all(admission.arrive("d", 0) for _ in range(20))


def test_upgrades_of_an_address_are_paced() -> None:
    admission = admission_of(Edge(address_per_s=2, address_burst=3))
    for _ in range(3):
        admission.judge(NOBODY, "1.1.1.1", 5.0)
    with pytest.raises(Refusal) as caught:
        admission.judge(NOBODY, "1.1.1.1", 5.0)
    assert (caught.value.name, caught.value.retry_ms) == ("rate_limited", 500)
    assert admission.judge(NOBODY, "2.2.2.2", 5.0)
    assert admission.judge(NOBODY, "1.1.1.1", 5.5)


@given(st.text(max_size=60), st.text("0123456789abcdef.:[], ", max_size=60), st.booleans())
def test_no_header_breaks_it(text: str, address: str, trusted: bool) -> None:
    admission = admission_of(Edge(trusted_proxies=["0.0.0.0/0", "::/0"] if trusted else []))
    for forwarded in (text, address):
        for peer in ("1.1.1.1", "::1", "", address):
            assert isinstance(admission.address({"x-forwarded-for": forwarded}, peer), str)
    if text and wire.codec_for(text) is None:
        headers = NOBODY | {"sec-websocket-protocol": text, "origin": text}
        assert refused(admission, headers) == ("bad_frame", 400)
