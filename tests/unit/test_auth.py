from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jwt
import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from hypothesis import assume, example, given
from hypothesis import strategies as st

from config.settings import Auth
from danmaku.auth import MAX_LIFE_S, MAX_TOKEN, AuthError, Authority, TokenPair, from_settings
from danmaku.errors import Refusal
from danmaku.model import EVERY_ROOM, Identity, Role

SECRET = "thirty-two bytes of a test secret"
NOW = 1_800_000_000.125
NOW_MS = 1_800_000_000_125
ANN = Identity("ann", "Ann", Role.VIEWER, {"lobby": Role.STREAMER})
ids = st.from_regex(r"[A-Za-z0-9_-]{1,64}", fullmatch=True)
roles = st.sampled_from(Role)


def authority(**more: Any) -> Authority:
    return Authority(secret=SECRET, **more)


def private_pem(key: RSAPrivateKey | Ed25519PrivateKey) -> str:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def public_pem(key: RSAPrivateKey | Ed25519PrivateKey) -> str:
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


RSA = generate_private_key(65537, 2048)
ED = Ed25519PrivateKey.generate()
PAIRS: dict[str, dict[str, Any]] = {
    "RS256": {"algorithm": "RS256", "public_key": public_pem(RSA), "private_key": private_pem(RSA)},
    "EdDSA": {"algorithm": "EdDSA", "public_key": public_pem(ED), "private_key": private_pem(ED)},
}


def part(value: object) -> str:
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def signed(**changes: Any) -> str:
    """An access token as somebody else who has the secret might make it; a claim set to None is left out."""
    claims = {"sub": "ann", "iat": NOW, "exp": NOW + 60, "typ": "access", **changes}
    return jwt.encode({name: value for name, value in claims.items() if value is not None}, SECRET)


def refusal(token: str, now_s: float = NOW, judge: Authority | None = None) -> str:
    with pytest.raises(Refusal) as caught:
        (judge or authority()).verify(token, now_s)
    assert caught.value.name == "unauthorized"
    assert len(token) < 20 or token[-20:] not in caught.value.message
    return caught.value.message


def refresh_refusal(token: str, now_s: float = NOW) -> str:
    with pytest.raises(Refusal) as caught:
        authority().read_refresh(token, now_s)
    assert caught.value.name == "unauthorized"
    return caught.value.message


# Tokens that are good.


@given(
    ids,
    st.text(max_size=80),
    roles,
    st.dictionaries(ids, roles, max_size=5),
    st.frozensets(ids | st.just(EVERY_ROOM), max_size=5),
    st.integers(0, 2**53 - 1),
    st.integers(1_000_000_000_000, 9_000_000_000_000),
)
@example("a", "", Role.GUEST, {}, frozenset(), 0, 8_658_204_252_970)  # as a float of seconds it is below that
def test_what_is_issued_is_what_is_verified(
    uid: str,
    name: str,
    role: Role,
    rooms: dict[str, Role],
    follows: frozenset[str],
    since_s: int,
    now_ms: int,
) -> None:
    judge = authority()
    meant = Identity(uid, name, role, rooms or None, now_ms, follows, follows, since_s)
    pair = judge.issue(meant, now_ms / 1000)
    said = judge.verify(pair.access, now_ms / 1000)
    assert said == msgspec.structs.replace(meant, name=said.name)
    assert said.name.isprintable()
    assert 0 < len(said.name) <= 64
    claims = judge.read_refresh(pair.refresh, now_ms / 1000)
    assert claims.identity == said
    assert (claims.n, claims.issued_ms, claims.ttl_s) == (1, now_ms, None)
    assert claims.expires_ms == now_ms + 30 * 24 * 3600 * 1000


def test_how_long_a_refresh_token_and_the_next_one_can_live() -> None:
    judge = authority(refresh_ttl_s=100)
    year_s = 366 * 24 * 3600
    brief, long = judge.issue(ANN, NOW), judge.issue(ANN, NOW, ttl_s=year_s)
    later_s = NOW + 60

    def lasts_s(pair: TokenPair) -> float:
        return judge.read_refresh(pair.refresh, later_s).expires_ms / 1000 - NOW

    assert [lasts_s(pair) for pair in (brief, long)] == pytest.approx([3600 + 60, year_s + 60], abs=0.01)


@pytest.mark.parametrize("algorithm", PAIRS)
def test_with_the_public_key_alone_tokens_are_verified_and_none_issued(algorithm: str) -> None:
    both = Authority(**PAIRS[algorithm])
    pair = both.issue(ANN, NOW)
    verifying = Authority(**{**PAIRS[algorithm], "private_key": ""})
    assert verifying.verify(pair.access, NOW).uid == "ann"
    assert verifying.read_refresh(pair.refresh, NOW).identity.uid == "ann"
    with pytest.raises(AuthError, match="private_key_file is not set"):
        verifying.issue(ANN, NOW)


@pytest.mark.parametrize("judge", [authority(), *(Authority(**pair) for pair in PAIRS.values())])
def test_equal_arguments_give_equal_pairs(judge: Authority) -> None:
    again = judge.issue(ANN, NOW, family="fam", n=3)
    assert judge.issue(ANN, NOW, family="fam", n=3) == again
    assert judge.issue(ANN, NOW, family="fam", n=4) != again
    assert judge.issue(ANN, NOW + 0.001, family="fam", n=3) != again
    claims = judge.read_refresh(again.refresh, NOW)
    assert (claims.family, claims.n) == ("fam", 3)


def test_each_pair_of_tokens_is_a_family_of_its_own() -> None:
    judge = authority()
    families = {judge.read_refresh(judge.issue(ANN, NOW).refresh, NOW).family for _ in range(10)}
    assert len(families) == 10


def test_a_token_lives_as_long_as_was_said() -> None:
    judge = authority(access_ttl_s=60, refresh_ttl_s=600)
    pair = judge.issue(ANN, NOW)
    assert pair.expires_in_s == 60
    assert judge.verify(pair.access, NOW + 59.999).uid == "ann"
    assert "expired" in refusal(pair.access, NOW + 60)
    assert judge.read_refresh(pair.refresh, NOW + 599.999).n == 1
    assert "expired" in refresh_refusal(pair.refresh, NOW + 600)


def test_a_life_of_its_own_goes_on_with_the_refresh_token() -> None:
    judge = authority(access_ttl_s=60, refresh_ttl_s=600)
    pair = judge.issue(ANN, NOW, ttl_s=1000)
    assert pair.expires_in_s == 1000
    assert judge.verify(pair.access, NOW + 999).uid == "ann"
    assert judge.read_refresh(pair.refresh, NOW + 999).ttl_s == 1000


def test_a_token_of_another_issuer_may_leave_out_what_has_a_default() -> None:
    said = authority().verify(signed(), NOW)
    assert said == Identity("ann", "ann", Role.VIEWER, None, NOW_MS)
    assert authority().verify(signed(name=7), NOW).name == "ann"
    assert authority().verify(signed(name=" A\nnn\u202e "), NOW).name == "Ann"


def test_a_token_from_a_clock_that_is_ahead() -> None:
    assert authority().verify(signed(iat=NOW + 60), NOW).uid == "ann"
    assert "future" in refusal(signed(iat=NOW + 61))
    assert authority().verify(signed(nbf=NOW + 60), NOW).uid == "ann"
    assert "future" in refusal(signed(nbf=NOW + 61))


def test_a_token_lives_no_longer_than_its_revocation_is_remembered() -> None:
    assert authority().verify(signed(exp=NOW + MAX_LIFE_S), NOW).uid == "ann"
    assert "longer than a year" in refusal(signed(exp=NOW + MAX_LIFE_S + 1))
    longest = authority().issue(ANN, NOW, ttl_s=MAX_LIFE_S)
    assert authority().verify(longest.access, NOW + MAX_LIFE_S - 1).uid == "ann"
    assert authority().read_refresh(longest.refresh, NOW + MAX_LIFE_S - 1).n == 1


# Tokens that are not.


@given(st.data())
def test_a_changed_token_is_refused(data: st.DataObject) -> None:
    token = authority().issue(ANN, NOW).access
    index = data.draw(st.integers(0, len(token) - 1))
    char = data.draw(st.characters(codec="utf-8"))
    changed = token[:index] + char + token[index + 1 :]
    if index > token.rindex("."):  # not every bit of the last character says something
        assume(signature(changed) != signature(token))
    else:
        assume(char != token[index])
    refusal(changed)


def signature(token: str) -> bytes:
    """What is no base64 is skipped, as those who decode it may do."""
    text = token.rpartition(".")[2].encode()
    try:
        return base64.urlsafe_b64decode(text + b"==")
    except ValueError:
        return text


@given(st.text() | st.binary().map(lambda raw: raw.decode("latin-1")))
def test_what_is_no_token_is_refused(text: str) -> None:
    refusal(text)
    refresh_refusal(text)


@pytest.mark.parametrize("alg", ["none", "None", "NONE", "HS384", "HS512", "RS256", "", None, 7, ["HS256"]])
def test_no_other_algorithm_than_the_configured_one(alg: object) -> None:
    claims = {"sub": "ann", "iat": NOW, "exp": NOW + 60, "typ": "access", "role": "admin"}
    unsigned = f"{part({'alg': alg, 'typ': 'JWT'})}.{part(claims)}"
    refusal(f"{unsigned}.")
    refusal(f"{unsigned}.{authority().issue(ANN, NOW).access.rpartition('.')[2]}")
    refusal(unsigned)


def test_another_algorithm_of_the_same_secret_is_refused() -> None:
    claims = {"sub": "ann", "iat": NOW, "exp": NOW + 60, "typ": "access"}
    refusal(jwt.encode(claims, SECRET * 4, algorithm="HS512"), judge=Authority(secret=SECRET * 4))


@pytest.mark.parametrize("algorithm", PAIRS)
def test_a_public_key_is_no_secret(algorithm: str) -> None:
    """The confusion of a public key, which all may know, with the secret of HS256."""
    public = PAIRS[algorithm]["public_key"]
    judge = Authority(**PAIRS[algorithm])
    claims = {"sub": "ann", "iat": NOW, "exp": NOW + 60, "typ": "access", "role": "admin"}
    for key in (public, public.strip(), public + "\n"):
        unsigned = f"{part({'alg': 'HS256', 'typ': 'JWT'})}.{part(claims)}"
        mac = hmac.new(key.encode(), unsigned.encode(), hashlib.sha256).digest()
        refusal(f"{unsigned}.{part(mac)}", judge=judge)


def test_another_secret_is_refused() -> None:
    refusal(Authority(secret=SECRET + "x").issue(ANN, NOW).access)


def test_access_and_refresh_tokens_are_not_each_other() -> None:
    pair = authority().issue(ANN, NOW)
    assert "type access" in refusal(pair.refresh)
    assert "type refresh" in refresh_refusal(pair.access)
    assert "type access" in refusal(signed(typ="id"))


@pytest.mark.parametrize(
    "changes",
    [
        {"sub": None},
        {"sub": ""},
        {"sub": "a b"},
        {"sub": "a" * 65},
        {"sub": 7},
        {"iat": None},
        {"iat": "now"},
        {"iat": True},
        {"iat": -1},
        {"iat": 10**400},
        {"iat": float("inf")},
        {"exp": None},
        {"exp": "never"},
        {"exp": float("nan")},
        {"nbf": "soon"},
        {"typ": None},
        {"role": "king"},
        {"role": 4},
        {"rooms": ["lobby"]},
        {"rooms": {"not an id": "viewer"}},
        {"rooms": {"lobby": "king"}},
        {"rooms": {"lobby": 3}},
        {"rooms": {f"r{number}": "viewer" for number in range(65)}},
        {"member_of": "lobby"},
        {"member_of": {"lobby": "viewer"}},
        {"member_of": ["not an id"]},
        {"follows": [3]},
        {"follows": ["**"]},
        {"follows": [f"r{number}" for number in range(65)]},
        {"since": "yesterday"},
        {"since": -1},
        {"since": True},
        {"aud": "somebody else"},
    ],
)
def test_claims_that_cannot_be_used(changes: dict[str, Any]) -> None:
    assert "not valid" in refusal(signed(**changes))


@pytest.mark.parametrize(
    "changes",
    [
        {"fam": None},
        {"fam": ""},
        {"fam": "not an id"},
        {"fam": 7},
        {"n": None},
        {"n": 0},
        {"n": True},
        {"n": "1"},
        {"n": 2**64},
        {"ttl": 0},
        {"ttl": "long"},
    ],
)
def test_refresh_claims_that_cannot_be_used(changes: dict[str, Any]) -> None:
    good = {"typ": "refresh", "fam": "f", "n": 1}
    assert authority().read_refresh(signed(**good), NOW).family == "f"
    assert "not valid" in refresh_refusal(signed(**{**good, **changes}))


def test_a_long_token_is_not_even_read() -> None:
    """It would be good otherwise."""
    token = signed(padding="x" * MAX_TOKEN)
    assert jwt.decode(token, SECRET, ["HS256"], {"verify_exp": False, "verify_iat": False})["sub"] == "ann"
    assert "too long" in refusal(token)
    assert "too long" in refresh_refusal(token)


def test_deep_nesting_is_refused() -> None:
    deep = base64.urlsafe_b64encode(b"[" * 2900).decode()
    refusal(f"{deep}.e30.e30")
    refusal(jwt.api_jws.encode(b"[" * 2900, SECRET, "HS256"))


# What is not issued.


def test_only_what_would_be_accepted_is_issued() -> None:
    judge = authority()
    for bad in (
        Identity("a b", "", Role.VIEWER),
        Identity("a", "", Role.VIEWER, {"a b": Role.VIEWER}),
        Identity("a", "", Role.VIEWER, follows=frozenset({"a b"})),
    ):
        with pytest.raises(Refusal) as caught:
            judge.issue(bad, NOW)
        assert caught.value.name == "bad_id"
    for ttl_s in (0, MAX_LIFE_S + 1):
        with pytest.raises(Refusal, match="lives from 1 to") as caught:
            judge.issue(ANN, NOW, ttl_s=ttl_s)
        assert caught.value.name == "bad_frame"
    short = {f"r{number}": Role.VIEWER for number in range(65)}
    long = {f"{number}".rjust(64, "r"): Role.VIEWER for number in range(64)}
    for rooms in (short, long):
        with pytest.raises(Refusal) as caught:
            judge.issue(Identity("a", "", Role.VIEWER, rooms), NOW)
        assert caught.value.name == "bad_frame"


# Guests.


@given(ids, ids)
def test_a_guest_is_who_it_was(device: str, other: str) -> None:
    one, same = authority().guest(device, "Gus"), authority().guest(device, None)
    assert one.uid == same.uid
    assert one.uid.startswith("g-")
    assert (one.role, one.name) == (Role.GUEST, "Gus")
    assert same.name.startswith("guest-")
    assert (authority().guest(other, None).uid == one.uid) == (other == device)
    assert Authority(secret=SECRET + "x").guest(device, None).uid != one.uid


def test_a_guest_without_a_device_is_somebody_new() -> None:
    uids = {authority().guest(None, None).uid for _ in range(10)}
    assert len(uids) == 10
    assert authority().guest("", None).uid not in uids


def test_guests_of_those_who_only_verify_are_the_same_everywhere() -> None:
    pair = PAIRS["RS256"]
    uid = Authority(**pair).guest("tv", None).uid
    assert Authority(**{**pair, "private_key": ""}).guest("tv", None).uid == uid
    assert Authority(**pair, secret="theirs").guest("tv", None).uid != uid


def test_guests_may_be_turned_away() -> None:
    with pytest.raises(Refusal, match="a token is needed") as caught:
        authority(guests=False).guest("tv", None)
    assert caught.value.name == "unauthorized"


# Keys.


def test_a_short_secret_is_refused() -> None:
    with pytest.raises(AuthError, match=r"auth\.secret must have at least 32 bytes"):
        Authority(secret="x" * 31)
    Authority(secret="弹" * 11)


def encrypted_pem() -> str:
    hidden = BestAvailableEncryption(b"password")
    return ED.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, hidden).decode()


def weak_pem() -> str:
    return public_pem(generate_private_key(65537, 1024))  # noqa: S505  that it is weak is the point


@pytest.mark.parametrize(
    ("keys", "setting"),
    [
        ({"secret": public_pem(RSA)}, "auth.secret"),
        ({"algorithm": "RS256", "secret": SECRET}, "auth.public_key_file"),
        ({"algorithm": "RS256", "public_key": "nonsense"}, "auth.public_key_file"),
        ({"algorithm": "RS256", "public_key": public_pem(ED)}, "auth.public_key_file"),
        ({"algorithm": "EdDSA", "public_key": public_pem(RSA)}, "auth.public_key_file"),
        ({"algorithm": "EdDSA", "public_key": private_pem(ED)}, "auth.public_key_file"),
        ({**PAIRS["RS256"], "public_key": weak_pem()}, "2048 bits"),
        ({**PAIRS["EdDSA"], "private_key": public_pem(ED)}, "auth.private_key_file"),
        ({**PAIRS["EdDSA"], "private_key": encrypted_pem()}, "auth.private_key_file"),
        ({**PAIRS["EdDSA"], "private_key": private_pem(RSA)}, "auth.private_key_file"),
        ({**PAIRS["EdDSA"], "public_key": public_pem(Ed25519PrivateKey.generate())}, "belong together"),
    ],
)
def test_keys_that_cannot_be_used(keys: dict[str, Any], setting: str) -> None:
    with pytest.raises(AuthError, match=setting) as caught:
        Authority(**keys)
    assert not any(key in str(caught.value) for name, key in keys.items() if name != "algorithm")


def test_settings_name_files(tmp_path: Path) -> None:
    secret, public, private = tmp_path / "secret", tmp_path / "public", tmp_path / "private"
    secret.write_text(SECRET + "\n")
    public.write_text(public_pem(ED))
    private.write_text(private_pem(ED))
    shared = from_settings(Auth(secret_file=str(secret), access_ttl_s=5))
    assert shared.verify(authority().issue(ANN, NOW).access, NOW).uid == "ann"
    assert shared.issue(ANN, NOW).expires_in_s == 5
    assert from_settings(Auth(secret=SECRET)).verify(shared.issue(ANN, NOW).access, NOW).uid == "ann"
    keys = from_settings(Auth(algorithm="EdDSA", public_key_file=str(public), private_key_file=str(private)))
    assert Authority(**PAIRS["EdDSA"]).verify(keys.issue(ANN, NOW).access, NOW).uid == "ann"


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    binary = tmp_path / "binary"
    binary.write_bytes(b"\xff\xfe")
    for path in (tmp_path / "missing", binary):
        with pytest.raises(AuthError, match=f"auth.secret_file = {path}"):
            from_settings(Auth(secret_file=str(path)))


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda _: "nonsense", "it has 1 instead of 3 parts with dots between them"),
        (lambda token: f"{token}.more", "it has 4 instead of 3 parts with dots between them"),
        (lambda token: token[1:], "one of its parts cannot be read: it was altered, or is not all there"),
        (lambda token: token.replace(".", ".!", 1), "one of its parts cannot be read: .*"),
        (lambda token: f"bm90aGluZw.{token.partition('.')[2]}", "one of its parts cannot be read: .*"),
    ],
)
def test_what_is_no_token_is_told_in_words_of_ours(change: Callable[[str], str], why: str) -> None:
    token = change(authority().issue(ANN, NOW).access)
    with pytest.raises(Refusal, match=f"the token is not valid: {why}$"):
        authority().verify(token, NOW)
