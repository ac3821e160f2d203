"""Every call of the HTTP API and its effect on who is connected, against a whole service."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from danmaku import wire
from danmaku.client import Client, Refusal
from danmaku.errors import Close
from tests.system.deployment import Deployment, serving
from tests.system.plain_proxy import without_upgrade
from tests.viewer import Viewer, viewer
from tests.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def service(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Deployment]:
    """Shared: each test has rooms and users of its own."""
    async with serving(tmp_path_factory.mktemp("api"), "--workers", "2") as started:
        yield started


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def admin(service: Deployment) -> str:
    return service.token("root", "admin")


@asynccontextmanager
async def greeted(service: Deployment, uid: str, role: str = "viewer", *rooms: str) -> AsyncIterator[Viewer]:
    """A viewer with a token, who has said hello."""
    token = service.token(uid, role, *rooms)
    async with viewer(service.port) as one:
        await one.ok(wire.Hello(0, token=token))
        yield one


async def done(
    service: Deployment, method: str, path: str, body: Any = None, token: str | None = None
) -> Any:
    status, answer = await service.call(method, path, body, token)
    assert status == 200, (method, path, status, answer)
    return answer


async def refused(
    service: Deployment, method: str, path: str, body: Any = None, token: str | None = None
) -> tuple[int, str]:
    status, answer = await service.call(method, path, body, token)
    return status, answer["error"]["error"]


def items(one: Viewer, kind: str) -> list[dict[str, Any]]:
    """What was shown of a kind."""
    shown = (one.codec.read(item) for batch in one.all(wire.Batch) for item in batch.items)
    return [item for item in shown if item["k"] == kind]


async def shown(one: Viewer, kind: str) -> dict[str, Any]:
    """The first item of a kind, once it is there."""
    while not (found := items(one, kind)):
        await one.more()
    return found[0]


# Rooms.


async def test_a_room_is_made_changed_listed_and_closed_for_good(service: Deployment) -> None:
    path, token = "/v1/rooms/stage", service.token("sue", "streamer", "stage")
    assert await refused(service, "GET", path) == (404, "room_not_found")
    assert await refused(service, "PUT", "/v1/rooms/elsewhere", {}, token) == (403, "forbidden")
    made = await done(service, "PUT", path, {"title": "Stage", "settings": {"max_length": 5}}, token)
    assert (made["title"], made["open"], made["settings"]) == ("Stage", True, {"max_length": 5})
    async with greeted(service, "ann") as ann:
        joined = await ann.ok(wire.Join(0, "stage"))
        assert ann.codec.read(joined.settings)["max_length"] == 5
        assert joined.title == "Stage"
        assert await ann.err(wire.Send(0, "stage", "too long", "c1")) == "too_long"

        await done(service, "PUT", path, {"settings": {"max_length": 50}}, token)
        assert (await shown(ann, "settings"))["settings"]["max_length"] == 50
        await ann.ok(wire.Send(0, "stage", "long enough", "c2"))

        await done(service, "PUT", path, {"open": False}, token)
        await shown(ann, "closed")
        assert await ann.err(wire.Send(0, "stage", "hello", "c3")) == "room_closed"
        await done(service, "PUT", path, {"open": True}, token)
        await shown(ann, "opened")
        await ann.ok(wire.Send(0, "stage", "hello", "c3"))

        read = await done(service, "GET", path)
        assert (read["title"], read["open"], read["settings"]) == ("Stage", True, {"max_length": 50})
        listed = await done(service, "GET", "/v1/rooms?limit=500")
        assert "stage" in [room["room"] for room in listed["rooms"]]

        assert await done(service, "DELETE", path, token=token) == {"room": "stage"}
        await until(lambda: len(items(ann, "closed")) == 2)
        assert await refused(service, "GET", path) == (404, "room_not_found")
        assert await ann.err(wire.Join(0, "stage")) == "room_closed"
        listed = await done(service, "GET", "/v1/rooms?limit=500")
        assert "stage" not in [room["room"] for room in listed["rooms"]]
        await done(service, "DELETE", path, token=token)

        remade = await done(service, "PUT", path, {}, token)
        assert (remade["title"], remade["open"], remade["settings"]) == ("", True, {})
        assert (await ann.ok(wire.Join(0, "stage"))).title is None


# Messages.


async def test_what_is_posted_is_shown_once_and_can_be_read_back(service: Deployment) -> None:
    path, token = "/v1/rooms/news/messages", service.token("sue", "streamer", "news")
    async with greeted(service, "ann") as ann:
        await ann.ok(wire.Join(0, "news"))
        comment = {"kind": "comment", "text": "弹幕", "cid": "c1", "mode": "top", "color": 255}
        posted = await done(service, "POST", path, comment, token)
        assert posted["shown"]
        assert await done(service, "POST", path, comment, token) == posted
        gift = {"kind": "gift", "gift": "rocket", "count": 3, "uid": "bob", "cid": "c2"}
        given = await done(service, "POST", path, gift, token)
        await done(service, "POST", path, {"kind": "announce", "text": "Welcome", "cid": "c3"}, token)
        assert (await shown(ann, "announce"))["text"] == "Welcome"
        assert (await shown(ann, "gift"))["count"] == 3
        [said] = items(ann, "c")
        assert (said["uid"], said["text"], said["mode"], said["role"]) == ("sue", "弹幕", "top", "streamer")

    no_cid = {"kind": "comment", "text": "hello"}
    assert await refused(service, "POST", path, no_cid, token) == (400, "bad_frame")
    assert await refused(service, "POST", path, comment) == (401, "unauthorized")
    assert await refused(service, "POST", path, gift, service.token("bob")) == (403, "forbidden")

    history = await done(service, "GET", path)
    assert history["complete"]
    texts = [item.get("text") for batch in history["history"] for item in batch["items"]]
    assert texts == ["弹幕", None, "Welcome"]
    since = f"?epoch={given['epoch']}&seq={given['seq']}"
    rest = await done(service, "GET", path + since)
    last = rest["history"][-1]
    assert (last["epoch"], last["seq"] + len(last["items"]) - 1) == (rest["epoch"], rest["seq"])
    assert last["items"][-1]["text"] == "Welcome"
    assert await refused(service, "GET", "/v1/rooms/nowhere/messages") == (404, "room_not_found")


async def test_a_broadcast_reaches_every_room(service: Deployment, admin: str) -> None:
    body = {"kind": "announce", "text": "To all", "cid": "b0"}
    for room in ("north", "south"):
        await done(service, "PUT", f"/v1/rooms/{room}", {}, admin)
    async with greeted(service, "ann") as ann, greeted(service, "bob") as bob:
        await ann.ok(wire.Join(0, "north"))
        await bob.ok(wire.Join(0, "south"))
        streamer = service.token("sue", "streamer")
        assert await refused(service, "POST", "/v1/broadcast", body, streamer) == (403, "forbidden")
        reached = await done(service, "POST", "/v1/broadcast", body, admin)
        assert reached["rooms"] >= 2
        for one in (ann, bob):
            assert (await shown(one, "announce"))["text"] == "To all"


# Sanctions.


async def test_a_muted_user_is_told_and_refused(service: Deployment) -> None:
    path, token = "/v1/admin/rooms/quiet/mutes", service.token("mod", "moderator", "quiet")
    async with greeted(service, "ann") as ann:
        await ann.ok(wire.Join(0, "quiet"))
        await done(service, "POST", path, {"uid": "ann", "seconds": 60, "reason": "loud"}, token)
        [notice] = await ann.until(wire.Notice)
        assert notice == wire.Notice("muted", "quiet", "loud", 60_000)
        answer = await ann.ask(wire.Send(0, "quiet", "hello", "c1"))
        assert isinstance(answer, wire.Err)
        assert (answer.error, 0 < (answer.retry_ms or 0) <= 60_000) == ("muted", True)
        await done(service, "DELETE", f"{path}/ann", token=token)
        assert (await ann.until(wire.Notice, 2))[1].kind == "unmuted"
        await ann.ok(wire.Send(0, "quiet", "hello", "c2"))


async def test_a_kicked_user_is_put_out_and_may_come_back(service: Deployment) -> None:
    path, token = "/v1/admin/rooms/door/kicks", service.token("mod", "moderator", "door")
    async with greeted(service, "ann") as ann:
        await ann.ok(wire.Join(0, "door"))
        await done(service, "POST", path, {"uid": "ann", "reason": "manners"}, token)
        assert await ann.until(wire.Notice) == [wire.Notice("kicked", "door", "manners")]
        assert await ann.err(wire.Send(0, "door", "hello", "c1")) == "not_joined"
        await ann.ok(wire.Join(0, "door"))


async def test_a_banned_user_is_put_out_and_kept_out(service: Deployment) -> None:
    path, token = "/v1/admin/rooms/club/bans", service.token("mod", "moderator", "club")
    history, banned = "/v1/rooms/club/messages", service.token("ann")
    async with greeted(service, "ann") as ann:
        await ann.ok(wire.Join(0, "club"))
        await done(service, "POST", path, {"uid": "ann", "reason": "spam", "seconds": 3600}, token)
        assert await ann.until(wire.Notice) == [wire.Notice("banned", "club", "spam", 3_600_000)]
        answer = await ann.ask(wire.Join(0, "club"))
        assert isinstance(answer, wire.Err)
        assert (answer.error, answer.message) == ("banned", "spam")
        assert 0 < (answer.retry_ms or 0) <= 3_600_000
        assert await refused(service, "GET", history, token=banned) == (403, "banned")

        streamer = service.token("sue", "streamer", "club")
        await done(service, "DELETE", "/v1/rooms/club", token=streamer)
        await done(service, "PUT", "/v1/rooms/club", {}, streamer)
        assert await ann.err(wire.Join(0, "club")) == "banned"

        await done(service, "DELETE", f"{path}/ann", token=token)
        await ann.ok(wire.Join(0, "club"))
        await done(service, "GET", history, token=banned)


async def test_who_may_not_judge_a_room(service: Deployment) -> None:
    path, body = "/v1/admin/rooms/court/bans", {"uid": "ann"}
    await done(service, "PUT", "/v1/rooms/court", {}, service.token("sue", "streamer", "court"))
    assert await refused(service, "POST", path, body) == (401, "unauthorized")
    for token in (service.token("eve", "guest"), service.token("eve", "moderator", "other")):
        assert await refused(service, "POST", path, body, token) == (403, "forbidden")
    async with greeted(service, "ann") as ann:
        await ann.ok(wire.Join(0, "court"))


# Tokens.


async def issue(service: Deployment, admin: str, uid: str) -> tuple[str, str]:
    pair = await done(service, "POST", "/v1/tokens", {"uid": uid, "name": uid.title()}, admin)
    return pair["access_token"], pair["refresh_token"]


async def refresh(service: Deployment, token: str) -> Any:
    """The new pair, or status and name of the refusal."""
    status, answer = await service.call("POST", "/v1/tokens/refresh", {"refresh_token": token})
    return answer if status == 200 else (status, answer["error"]["error"])


async def test_a_token_that_was_issued_lets_its_user_in(service: Deployment, admin: str) -> None:
    access, _ = await issue(service, admin, "tim")
    async with viewer(service.port) as tim:
        hello = await tim.ok(wire.Hello(0, token=access))
    assert (hello.uid, hello.name, hello.role) == ("tim", "Tim", "viewer")
    assert await refused(service, "POST", "/v1/tokens", {"uid": "tim"}, access) == (403, "forbidden")


async def test_a_refresh_token_is_spent_and_its_reuse_revokes_the_family(
    service: Deployment, admin: str
) -> None:
    access, first = await issue(service, admin, "ray")
    second = await refresh(service, first)
    assert await refresh(service, first) == second, "a repeat, as after an answer that got lost"
    third = await refresh(service, second["refresh_token"])
    async with viewer(service.port) as ray:
        assert (await ray.ok(wire.Hello(0, token=third["access_token"]))).uid == "ray"
    assert await refresh(service, access) == (401, "unauthorized")
    assert await refresh(service, first) == (401, "unauthorized")
    assert await refresh(service, third["refresh_token"]) == (401, "unauthorized")
    _, other = await issue(service, admin, "ray")
    assert "access_token" in await refresh(service, other), "another family is not concerned"


async def test_what_a_user_holds_is_revoked(service: Deployment, admin: str) -> None:
    access, first = await issue(service, admin, "uma")
    second = await refresh(service, first)
    path = "/v1/rooms/lounge/messages"
    body = {"kind": "comment", "text": "hello", "cid": "c1"}
    await done(service, "POST", path, body, access)
    async with viewer(service.port) as one, viewer(service.port) as other:
        for socket in (one, other):
            await socket.ok(wire.Hello(0, token=access))
        assert await done(service, "DELETE", "/v1/tokens/uma", token=admin) == {"uid": "uma"}
        for socket in (one, other):
            assert await socket.ended() == Close.UNAUTHORIZED
    for token in (access, second["access_token"]):
        assert await refused(service, "POST", path, body, token) == (401, "unauthorized")
        async with viewer(service.port) as again:
            assert await again.turned_away(wire.Hello(0, token=token), "unauthorized") == Close.UNAUTHORIZED
    for token in (first, second["refresh_token"]):  # the first could be repeated still
        assert await refresh(service, token) == (401, "unauthorized")
    access, first = await issue(service, admin, "uma")
    await done(service, "POST", path, {**body, "cid": "c2"}, access)
    assert "access_token" in await refresh(service, first)
    async with viewer(service.port) as back:
        assert (await back.ok(wire.Hello(0, token=access))).uid == "uma"


# The node itself.


async def test_where_to_connect(service: Deployment) -> None:
    """Both workers are one address, and it is the one that was asked."""
    async with greeted(service, "ann"):
        async with asyncio.timeout(20):
            while True:
                told = await done(service, "GET", "/v1/edges?room=lobby")
                assert [edge["address"] for edge in told["edges"]] == [service.ws]
                if told["edges"][0]["connections"] == 1:
                    break
                await asyncio.sleep(0.1)
    assert set(told["reconnect"]) == {"min_ms", "max_ms", "jitter"}


async def test_alive_ready_measured_and_described(service: Deployment) -> None:
    assert await done(service, "GET", "/healthz") == {"status": "ok"}
    assert await done(service, "GET", "/readyz") == {
        "ready": True, "bus": True, "store": True, "owners": True, "newcomers": True,
    }  # fmt: skip
    assert "danmaku_edge_http_requests_total" in await done(service, "GET", "/metrics")
    document = await done(service, "GET", "/openapi.json")
    assert document["openapi"] == "3.1.0"


@pytest.mark.parametrize("path", ["/", "/docs", "/viewer/main.js", "/v1/edges"])
async def test_head_tells_the_length_and_no_more(service: Deployment, path: str) -> None:
    def ask(method: str) -> tuple[int, str | None, bytes]:
        connection = HTTPConnection("127.0.0.1", service.port, timeout=15)
        try:
            connection.request(method, path)
            answer = connection.getresponse()
            return answer.status, answer.getheader("Content-Length"), answer.read()
        finally:
            connection.close()

    status, length, body = await asyncio.to_thread(ask, "GET")
    assert (status, length) == (200, str(len(body)))
    assert await asyncio.to_thread(ask, "HEAD") == (200, length, b"")


# What outlives a service.


async def guest_uid(service: Deployment, device: str) -> str | None:
    async with viewer(service.port) as guest:
        return (await guest.ok(wire.Hello(0, device=device))).uid


def key_settings(folder: Path) -> dict[str, str]:
    """Only a public key, as where tokens are issued elsewhere."""
    file = folder / "public.pem"
    key = Ed25519PrivateKey.generate().public_key()
    file.write_bytes(key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    return {"DANMAKU_AUTH_ALGORITHM": "EdDSA", "DANMAKU_AUTH_PUBLIC_KEY_FILE": str(file)}


@pytest.mark.parametrize("algorithm", ["HS256", "EdDSA"])
async def test_guests_are_the_same_at_every_worker_and_after_a_restart(
    tmp_path: Path, algorithm: str
) -> None:
    settings = {} if algorithm == "HS256" else key_settings(tmp_path)
    uids = set()
    for _ in range(2):
        async with serving(tmp_path, "--workers", "2", **settings) as started:
            for _ in range(10):  # the kernel spreads them over the workers
                uids.add(await guest_uid(started, "television"))
            uids.add(await guest_uid(started, "telephone"))
    assert len(uids) == 2


async def test_a_ban_and_a_revocation_outlive_a_restart(tmp_path: Path) -> None:
    async with serving(tmp_path) as started:
        admin, held = started.token("root", "admin"), started.token("bob")
        await done(started, "PUT", "/v1/rooms/club", {}, admin)
        await done(started, "POST", "/v1/admin/rooms/club/bans", {"uid": "ann"}, admin)
        await done(started, "DELETE", "/v1/tokens/bob", token=admin)
    async with serving(tmp_path) as started:
        async with greeted(started, "ann") as ann:
            assert await ann.err(wire.Join(0, "club")) == "banned"
        async with viewer(started.port) as bob:
            assert await bob.turned_away(wire.Hello(0, token=held), "unauthorized") == Close.UNAUTHORIZED


async def test_an_upgrade_that_a_proxy_made_none_says_so(service: Deployment) -> None:
    async with without_upgrade(service.port) as port:
        with pytest.raises(Refusal, match=r"unavailable: .*426.*Upgrade"):
            async with Client(f"127.0.0.1:{port}"):
                pass
