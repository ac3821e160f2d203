from __future__ import annotations

from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from danmaku.auth import Authority
from danmaku.model import Identity, Role
from danmaku.rows import Done, RefreshRow, RevokeRow
from tests.unit.api_service import NOW, Service

NOW_MS = round(NOW * 1000)


async def issued(service: Service, **body: Any) -> Any:
    admin = service.token("root", Role.ADMIN)
    answer = await service.call("POST", "/v1/tokens", {"uid": "ann", **body}, admin)
    assert answer.status == 200, answer.body
    return answer.json


async def test_a_pair_is_issued() -> None:
    service = Service()
    pair = await issued(service, name="Ann", role="moderator", rooms={"r": "streamer"}, ttl_s=60)
    assert pair["token_type"] == "Bearer"
    assert pair["expires_in_s"] == 60
    ann = Identity("ann", "Ann", Role.MODERATOR, {"r": Role.STREAMER}, NOW_MS)
    assert service.authority.verify(pair["access_token"], NOW + 59) == ann
    assert service.authority.read_refresh(pair["refresh_token"], NOW + 1000).identity == ann


async def test_what_rooms_may_ask_for_is_in_the_token_and_the_next_one() -> None:
    service = Service()
    pair = await issued(service, member_of=["r", "r"], follows=["*"], since=1_600_000_000)
    ann = service.authority.verify(pair["access_token"], NOW)
    assert (ann.member_of, ann.follows, ann.since_s) == (frozenset("r"), frozenset("*"), 1_600_000_000)
    assert service.authority.read_refresh(pair["refresh_token"], NOW).identity == ann


async def test_a_uid_is_enough() -> None:
    service = Service()
    pair = await issued(service)
    assert pair["expires_in_s"] == 3600
    assert service.authority.verify(pair["access_token"], NOW) == Identity(
        "ann", "ann", Role.VIEWER, None, NOW_MS
    )


@pytest.mark.parametrize(
    ("body", "refusal"),
    [
        ({"uid": "a b"}, (400, "bad_id")),
        ({"uid": ""}, (400, "bad_id")),
        ({"rooms": {"a b": "viewer"}}, (400, "bad_id")),
        ({"role": "king"}, (400, "bad_frame")),
        ({"rooms": {"r": "king"}}, (400, "bad_frame")),
        ({"rooms": {f"r{number}": "viewer" for number in range(65)}}, (400, "bad_frame")),
        ({"member_of": ["a b"]}, (400, "bad_id")),
        ({"follows": ["**"]}, (400, "bad_id")),
        ({"follows": [3]}, (400, "bad_frame")),
        ({"member_of": [f"r{number}" for number in range(65)]}, (400, "bad_frame")),
        ({"member_of": "r"}, (400, "bad_frame")),
        ({"since": -1}, (400, "bad_frame")),
        ({"since": "2020"}, (400, "bad_frame")),
        ({"ttl_s": 0}, (400, "bad_frame")),
        ({"ttl_s": 10**12}, (400, "bad_frame")),
        ({"name": "x" * 65}, (400, "bad_frame")),
    ],
)
async def test_what_cannot_be_issued(body: dict[str, Any], refusal: tuple[int, str]) -> None:
    service = Service()
    answer = await service.call(
        "POST", "/v1/tokens", {"uid": "ann", **body}, service.token("root", Role.ADMIN)
    )
    assert answer.refusal == refusal


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.ADMIN])
async def test_only_an_admin_issues_and_revokes(role: Role) -> None:
    service = Service()
    token = service.token("eve", role, r=Role.ADMIN)
    assert (await service.call("POST", "/v1/tokens", {"uid": "eve"}, token)).refusal == (403, "forbidden")
    assert (await service.call("DELETE", "/v1/tokens/ann", token=token)).refusal == (403, "forbidden")
    assert (await service.call("POST", "/v1/tokens", {"uid": "eve"})).refusal == (401, "unauthorized")


async def test_where_tokens_are_issued_elsewhere() -> None:
    key = Ed25519PrivateKey.generate()
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    service = Service(Authority(algorithm="EdDSA", public_key=public))
    issuer = Authority(algorithm="EdDSA", public_key=public, private_key=private)
    token = issuer.issue(Identity("root", "Root", Role.ADMIN), NOW).access
    answer = await service.call("POST", "/v1/tokens", {"uid": "ann"}, token)
    assert answer.refusal == (403, "forbidden")
    assert "issued elsewhere" in answer.json["error"]["message"]


async def test_a_refresh_token_brings_the_next_pair() -> None:
    service = Service()
    first = await issued(service, name="Ann", rooms={"r": "moderator"}, ttl_s=60)
    old = service.authority.read_refresh(first["refresh_token"], NOW)
    body = {"refresh_token": first["refresh_token"]}
    answer = await service.call("POST", "/v1/tokens/refresh", body)
    assert answer.status == 200
    assert service.rooms.user_rows[-1] == RefreshRow("ann", old.family, 1, NOW_MS, old.expires_ms)
    assert answer.json["expires_in_s"] == 60
    new = service.authority.read_refresh(answer.json["refresh_token"], NOW)
    assert (new.family, new.n, new.issued_ms, new.ttl_s) == (old.family, 2, NOW_MS + 5, 60)
    said = service.authority.verify(answer.json["access_token"], NOW + 60)
    assert (said.name, said.rooms, said.issued_ms) == ("Ann", {"r": Role.MODERATOR}, NOW_MS + 5)
    service.now_s += 29
    assert (await service.call("POST", "/v1/tokens/refresh", body)).json == answer.json


async def test_a_refresh_token_that_is_not_taken() -> None:
    service = Service()
    pair = await issued(service)
    for token in ("", "x.y.z", pair["access_token"], pair["refresh_token"] + "x"):
        answer = await service.call("POST", "/v1/tokens/refresh", {"refresh_token": token})
        assert answer.refusal == (401, "unauthorized")
    assert not any(isinstance(row, RefreshRow) for row in service.rooms.user_rows)
    service.rooms.revoked.add("ann")
    spent = {"refresh_token": pair["refresh_token"]}
    assert (await service.call("POST", "/v1/tokens/refresh", spent)).refusal == (401, "unauthorized")
    service.rooms.revoked.clear()
    service.rooms.refreshed = Done()
    assert (await service.call("POST", "/v1/tokens/refresh", spent)).refusal == (500, "internal")


async def test_what_a_user_holds_is_revoked_and_their_sockets_are_closed() -> None:
    service = Service()
    token = service.token("ann", Role.ADMIN)
    answer = await service.call("DELETE", "/v1/tokens/bob", token=service.token("root", Role.ADMIN))
    assert (answer.status, answer.json) == (200, {"uid": "bob"})
    assert service.rooms.user_rows[-1] == RevokeRow("bob", "root", Role.ADMIN)
    await service.call("DELETE", "/v1/tokens/ann", token=token)
    again = await service.call("DELETE", "/v1/tokens/bob", token=token)
    assert again.refusal == (401, "unauthorized")


async def test_a_user_may_be_called_as_a_part_of_a_path() -> None:
    """Or what they hold could not be revoked."""
    service = Service()
    admin = service.token("root", Role.ADMIN)
    answer = await service.call("DELETE", "/v1/tokens/refresh", token=admin)
    assert (answer.status, answer.json) == (200, {"uid": "refresh"})
    assert service.rooms.user_rows[-1] == RevokeRow("refresh", "root", Role.ADMIN)
    asked = await service.call("OPTIONS", "/v1/tokens/refresh")
    assert asked.headers["allow"] == "DELETE, OPTIONS, POST"
