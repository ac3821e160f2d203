from __future__ import annotations

import ipaddress

import pytest

from config.settings import Edge
from danmaku import wire
from danmaku.errors import Refusal
from edge.admission import Admission, client_address

NOBODY: dict[str, str] = {}


def refused(admission: Admission, headers: dict[str, str], peer: str = "1.1.1.1") -> tuple[str, int]:
    with pytest.raises(Refusal) as caught:
        admission.judge(headers, peer)
    return caught.value.name, caught.value.kind.status


def test_the_subprotocol_decides_the_codec() -> None:
    admission = Admission(Edge())
    assert admission.judge(NOBODY, "1.1.1.1").codec is wire.MSGPACK
    assert admission.judge({"sec-websocket-protocol": "x, danmaku.v1.json"}, "1.1.1.1").codec is wire.JSON
    assert refused(admission, {"sec-websocket-protocol": "chat"}) == ("bad_frame", 400)


def test_origins_are_on_a_list_or_free() -> None:
    evil = {"origin": "https://evil.example"}
    assert Admission(Edge()).judge(evil, "1.1.1.1")
    strict = Admission(Edge(origins=["https://live.example"]))
    assert refused(strict, evil) == ("forbidden", 403)
    assert strict.judge({"origin": "https://live.example"}, "1.1.1.1")
    assert strict.judge(NOBODY, "1.1.1.1")


def test_connections_are_bounded() -> None:
    admission = Admission(Edge(connections=2))
    admission.opened("a")
    admission.opened("b")
    assert refused(admission, NOBODY) == ("unavailable", 503)
    admission.closed("a")
    assert admission.judge(NOBODY, "1.1.1.1")


def test_connections_per_address_are_bounded() -> None:
    admission = Admission(Edge(connections_per_address=2))
    for _ in range(2):
        admission.opened(admission.judge(NOBODY, "1.1.1.1").address)
    assert refused(admission, NOBODY) == ("rate_limited", 429)
    assert admission.judge(NOBODY, "2.2.2.2").address == "2.2.2.2"
    admission.closed("1.1.1.1")
    assert admission.judge(NOBODY, "1.1.1.1")
    admission.closed("1.1.1.1")


def test_only_trusted_proxies_speak_for_others() -> None:
    forwarded = {"x-forwarded-for": "6.6.6.6, 9.9.9.9"}
    assert Admission(Edge()).judge(forwarded, "10.0.0.1").address == "10.0.0.1"
    behind = Admission(Edge(trusted_proxies=["10.0.0.0/8"]))
    assert behind.judge(forwarded, "10.0.0.1").address == "9.9.9.9"
    assert behind.judge(forwarded, "1.1.1.1").address == "1.1.1.1"
    with pytest.raises(ValueError, match="proxy"):
        Admission(Edge(trusted_proxies=["proxy"]))


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
