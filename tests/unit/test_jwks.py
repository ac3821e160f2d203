"""Public keys that change: which are read, which are accepted when, and when they are looked for."""

from __future__ import annotations

import hmac
import json
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1
from cryptography.hazmat.primitives.asymmetric.ec import generate_private_key as new_curve
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from hypothesis import given, settings
from hypothesis import strategies as st
from jwt.utils import base64url_encode

from config.settings import Auth
from danmaku.auth import AuthError, Authority, from_settings
from danmaku.errors import Refusal
from danmaku.jwks import MOST_BYTES, MOST_KEYS, BadKeys, KeyRing, parsed
from danmaku.model import Identity, Role

RSA, OTHER = (generate_private_key(65537, 2048) for _ in range(2))
WEAK = generate_private_key(65537, 1024)  # noqa: S505  that it is refused is what is tested
ED = Ed25519PrivateKey.generate()
CURVE = new_curve(SECP256R1())
NAMES = {RSA: "RS256", OTHER: "RS256", WEAK: "RS256", ED: "EdDSA", CURVE: "ES256"}
NOW = 1_800_000_000.0


def jwk(key: Any, kid: str = "one", *, private: bool = False, **more: Any) -> dict[str, Any]:
    shown = key if private else key.public_key()
    return {**jwt.get_algorithm_by_name(NAMES[key]).to_jwk(shown, as_dict=True), "kid": kid, **more}


def key_set(*keys: Any) -> bytes:
    return json.dumps({"keys": keys}).encode()


def test_keys_of_the_algorithm_are_read_and_others_passed_over() -> None:
    mixed = key_set(jwk(RSA), jwk(ED, "two"), jwk(OTHER, "three", use="sig", alg="RS256"), jwk(CURVE, "four"))
    assert set(parsed(mixed, "RS256")) == {"one", "three"}
    assert set(parsed(mixed, "EdDSA")) == {"two"}
    assert parsed(mixed, "RS256")["one"].public_numbers() == RSA.public_key().public_numbers()


UNUSABLE = {
    "a secret": {"kty": "oct", "k": "c2VjcmV0", "kid": "one"},
    "a secret that says it is for RS256": {"kty": "oct", "k": "c2VjcmV0", "kid": "one", "alg": "RS256"},
    "a private key": jwk(RSA, private=True),
    "for encryption": jwk(RSA, use="enc"),
    "for another algorithm": jwk(RSA, alg="RS512"),
    "for none": jwk(RSA, alg="none"),
    "weak": jwk(WEAK),
    "of another kind": jwk(CURVE),
    "without kid": {name: value for name, value in jwk(RSA).items() if name != "kid"},
    "a kid that is a number": {**jwk(RSA), "kid": 7},
    "an empty kid": jwk(RSA, kid=""),
    "a long kid": jwk(RSA, kid="k" * 257),
    "half a key": {"kty": "RSA", "n": "AQAB", "kid": "one"},
    "no numbers": {"kty": "RSA", "n": 7, "e": [], "kid": "one"},
    "no map": 7,
}


@pytest.mark.parametrize("name", UNUSABLE)
def test_what_is_no_public_key_for_the_algorithm_is_never_one(name: str) -> None:
    with pytest.raises(BadKeys, match="no public key for RS256"):
        parsed(key_set(UNUSABLE[name]), "RS256")


@pytest.mark.parametrize(
    "document",
    [
        b"",
        b"[]",
        b"{}",
        b'{"keys": {}}',
        b"<html>",
        b'{"keys":' + b"[" * 5000,
        b"\xff",
        b" " * (MOST_BYTES + 1),
    ],
)
def test_what_is_no_set_is_said(document: bytes) -> None:
    with pytest.raises(BadKeys, match="it is"):
        parsed(document, "RS256")


def test_only_so_many_keys_are_read() -> None:
    assert len(parsed(key_set(*(jwk(RSA, f"k{n}") for n in range(MOST_KEYS + 9))), "RS256")) == MOST_KEYS


def ring(**keys: Any) -> KeyRing:
    made = KeyRing(every_s=300, keep_s=60, gap_s=5)
    if keys:
        made.looked(NOW)
        made.found(keys, NOW)
    return made


def refused(made: KeyRing, kid: str, now_s: float) -> str:
    with pytest.raises(Refusal) as refusal:
        made.key(kid, now_s)
    return refusal.value.name


def test_a_key_that_is_not_listed_any_more_is_accepted_for_a_time() -> None:
    made = ring(a="A", b="B")
    made.looked(NOW + 10)
    made.found({"b": "B", "c": "C"}, NOW + 10)
    assert [made.key(kid, NOW + 69) for kid in "abc"] == ["A", "B", "C"]
    assert len(made) == 3
    made.looked(NOW + 20)
    made.found({"b": "B", "c": "C"}, NOW + 20)  # which does not begin the time again
    assert refused(made, "a", NOW + 70) == "unavailable"  # once more it is looked for
    made.looked(NOW + 75)
    made.found({"b": "B", "c": "C"}, NOW + 75)
    assert refused(made, "a", NOW + 76) == "unauthorized"
    assert len(made) == 2


def test_a_key_that_is_listed_again_stays() -> None:
    made = ring(a="A")
    made.found({"b": "B"}, NOW + 1)
    made.found({"a": "A2", "b": "B"}, NOW + 2)
    assert made.key("a", NOW + 1000) == "A2"


def test_an_unknown_key_is_looked_for_before_its_token_is_none() -> None:
    made = ring(a="A")
    assert made.wait_s(NOW + 10) == 290
    assert refused(made, "b", NOW + 100) == "unavailable"
    assert made.wait_s(NOW + 100) == 0
    made.looked(NOW + 100)
    made.found({"a": "A"}, NOW + 100)  # which began when it was asked for, or before
    assert refused(made, "b", NOW + 101) == "unavailable"
    assert made.wait_s(NOW + 101) == 4  # not at once again
    made.looked(NOW + 105)
    made.found({"a": "A"}, NOW + 105)
    assert refused(made, "b", NOW + 106) == "unauthorized"
    assert made.wait_s(NOW + 106) == 299, "what is known not to be there is not looked for again"
    made.looked(NOW + 400)
    made.found({"a": "A", "b": "B"}, NOW + 400)
    assert made.key("b", NOW + 401) == "B"


def test_a_set_that_cannot_be_had_keeps_the_keys_and_is_asked_for_soon() -> None:
    made = ring(a="A")
    made.looked(NOW + 300)
    assert made.wait_s(NOW + 301) == 4
    assert made.key("a", NOW + 9000) == "A"
    assert refused(made, "b", NOW + 9000) == "unavailable", "who knows whether it is there"
    empty = ring()
    assert empty.wait_s(NOW) == 0
    assert refused(empty, "a", NOW) == "unavailable"
    assert refused(empty, "", NOW) == "unauthorized"


def test_a_clock_that_is_set_back_stops_nothing() -> None:
    assert ring(a="A").wait_s(NOW - 3600) == 0


@settings(max_examples=20)
@given(st.lists(st.text(max_size=300), max_size=300))
def test_what_is_remembered_is_bounded_whatever_is_brought(kids: list[str]) -> None:
    made = ring(a="A")
    for number in range(200):
        made.found({f"k{number}": number}, NOW + number / 100)
    for kid in [*kids, *(str(number) for number in range(400))]:
        if kid not in made._listed and kid not in made._leaving:
            assert refused(made, kid, NOW + 3) in {"unavailable", "unauthorized"}
    assert len(made._unknown) <= 256
    assert len(made) <= 2 * MOST_KEYS


def token(key: RSAPrivateKey, kid: str | None, algorithm: str = "RS256") -> str:
    claims = {"sub": "ann", "iat": NOW, "exp": NOW + 60, "typ": "access"}
    return jwt.encode(claims, key, algorithm, headers=None if kid is None else {"kid": kid})


def test_a_token_is_checked_with_the_key_it_names_and_no_other() -> None:
    made = ring(**parsed(key_set(jwk(RSA, "one"), jwk(OTHER, "two")), "RS256"))
    authority = Authority(algorithm="RS256", keys=made, source="https://login.example/keys")
    assert authority.verify(token(RSA, "one"), NOW).uid == "ann"
    assert authority.verify(token(OTHER, "two"), NOW).uid == "ann"
    for wrong in (token(RSA, "two"), token(RSA, None), "x", token(RSA, "one", "RS512")):
        with pytest.raises(Refusal) as refusal:
            authority.verify(wrong, NOW)
        assert refusal.value.name == "unauthorized"
    with pytest.raises(Refusal) as refusal:
        authority.verify(token(RSA, "three"), NOW)
    assert (refusal.value.name, refusal.value.retry_ms) == ("unavailable", 1000)
    with pytest.raises(AuthError, match="issued elsewhere"):
        authority.issue(Identity("ann", "Ann", Role.VIEWER), NOW)


def test_a_listed_public_key_is_no_secret_for_hs256() -> None:
    made = ring(**parsed(key_set(jwk(RSA, "one")), "RS256"))
    authority = Authority(algorithm="RS256", keys=made, source="x")
    public = json.dumps(jwk(RSA, "one")).encode()
    claims = {"sub": "eve", "iat": NOW, "exp": NOW + 60, "typ": "access"}
    for algorithm, key in (("HS256", public), ("none", b"")):
        with pytest.raises(Refusal) as refusal:
            authority.verify(forged({"alg": algorithm, "typ": "JWT", "kid": "one"}, claims, key), NOW)
        assert refusal.value.name == "unauthorized"


def forged(header: dict[str, Any], claims: dict[str, Any], key: bytes) -> str:
    """As somebody would sign it who takes the public key for a secret."""
    head = ".".join(base64url_encode(json.dumps(one).encode()).decode() for one in (header, claims))
    mark = hmac.new(key, head.encode(), "sha256").digest() if key else b""
    return f"{head}.{base64url_encode(mark).decode()}"


def test_keys_are_read_from_the_file_that_the_settings_name(tmp_path: Path) -> None:
    file = tmp_path / "keys.json"
    file.write_bytes(key_set(jwk(ED, "ed")))
    good = Auth(algorithm="EdDSA", jwks_file=str(file))
    claims = {"sub": "ann", "iat": NOW, "exp": NOW + 60, "typ": "access"}
    signed = jwt.encode(claims, ED, "EdDSA", headers={"kid": "ed"})
    assert from_settings(good).verify(signed, NOW).uid == "ann"
    for wrong, why in ((file, "no public key for RS256"), (tmp_path / "none", "No such file")):
        with pytest.raises(AuthError, match=why):
            from_settings(Auth(algorithm="RS256", jwks_file=str(wrong)))
    elsewhere = from_settings(Auth(algorithm="EdDSA", jwks_url="https://login.example/keys"))
    with pytest.raises(Refusal, match="looked for"):
        elsewhere.verify(signed, NOW)
    here = from_settings(good).guest("device", None).uid
    assert here != elsewhere.guest("device", None).uid
    assert here == from_settings(good).guest("device", None).uid
