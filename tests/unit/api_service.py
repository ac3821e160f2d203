"""The HTTP API before rooms processes that answer what a test tells them to. No sockets."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import urlsplit

import msgspec
from prometheus_client import CollectorRegistry

from config.live import Running
from config.settings import Edge, Settings
from danmaku import chat, records
from danmaku.adjustment import Adjustment, AdjustRow, RollBackRow
from danmaku.auth import Authority
from danmaku.board import Poll
from danmaku.conversation import Member
from danmaku.envelope import (
    Answer,
    Drain,
    EdgeReport,
    HistoryReply,
    Owners,
    Row,
    SanctionsReply,
    SettingsReply,
    UserRow,
)
from danmaku.errors import CONFLICT, NO_SUCH_EDGE, UNAUTHORIZED, Refusal
from danmaku.event_rows import ClosePollRow, GetPollRow, PaidRow, Polled, PollRow, UnpinRow, VoteRow
from danmaku.model import Appointed, Identity, Position, Role, RoomInfo, RoomSettings
from danmaku.moderation_rows import (
    AppointRow,
    ConfigureRow,
    DecideRow,
    HeldRow,
    Moderators,
    ModeratorsRow,
    RaidRow,
    RecallRow,
    RoomSettingsRow,
    SanctionEverywhereRow,
    SanctionRow,
    Sign,
    Signs,
    SignsRow,
)
from danmaku.records import Acts, ActsRequest, Card, CardRequest, Sanctioned, SanctionedRequest
from danmaku.rows import (
    Admitted,
    DeleteRoomRow,
    Done,
    EventRow,
    GetRoomRow,
    HeldPage,
    JoinRow,
    LikeRow,
    PutRoomRow,
    Rank,
    RankRow,
    Refreshed,
    RefreshRow,
    RevokeRow,
    Room,
    RoomRules,
    SendRow,
    Shown,
)
from danmaku.telemetry import EdgeMetrics
from danmaku.wordlist import Found, GetWordsRow, PutWordsRow, RoomWords, TryWordsRow, WordsTried
from edge.admission import Admission
from edge.allowance import Allowances
from edge.api import Api
from edge.api.pages import Pages
from edge.api.routing import Route
from edge.uws import Request, Response
from tests.made_once import made_once
from tests.measured import measured

R = TypeVar("R", bound=records.Reply)
C = TypeVar("C", bound=chat.Answer)

SECRET = "a secret of at least thirty-two bytes"
NOW = 1_800_000_000.0
RULES = RoomRules(RoomSettings(slow_s=3), RoomSettings(slow_s=3, links="hold"), 5000)
POLLED = Polled(Poll("p1", "Which?", ("one", "two"), 9000), [3, 0], True)


class ScriptedRooms:
    """Remembers what it is asked; says yes unless told otherwise."""

    def __init__(self) -> None:
        self.rows: list[Row] = []
        self.list_of_words = "", b""
        self.adjusted = [Adjustment()]  # newest first
        self.answers: dict[type, Answer | Refusal] = {
            SendRow: Shown(7, 3, 1234),
            EventRow: Shown(7, 4, 1235),
            PaidRow: Shown(7, 5, 1236),
            UnpinRow: Shown(7, 6, 1237),
            PollRow: Shown(7, 7, 1238),
            GetPollRow: POLLED,
            ClosePollRow: POLLED,
            VoteRow: Done(),
            JoinRow: Admitted(7, 4, 1, 0, RoomSettings()),
            LikeRow: Done(),
            PutWordsRow: Done(),
            GetWordsRow: RoomWords(b""),
            TryWordsRow: WordsTried(Found()),
            GetRoomRow: Room(RoomInfo("r", "A room")),
            PutRoomRow: Room(RoomInfo("r", "Another")),
            DeleteRoomRow: Done(),
            SanctionRow: Done(),
            RecallRow: Done(),
            HeldRow: HeldPage([]),
            DecideRow: Done(),
            AppointRow: Done(),
            ModeratorsRow: Moderators([Appointed("mod", "ann", 5)]),
            RoomSettingsRow: RULES,
            RaidRow: RULES,
            SignsRow: Signs([Sign(1000, "same_text", 10, "spam", 900)]),
        }
        self.appointed: set[str] = set()
        self.records: dict[type, list[records.Reply]] = {
            ActsRequest: [Acts([])],
            SanctionedRequest: [Sanctioned([])],
            CardRequest: [Card(None, [], [], 0)],
        }
        self.user_rows: list[UserRow] = []
        self.revoked: set[str] = set()
        self.refreshed: Done | Refreshed = Refreshed(2, round(NOW * 1000) + 5)
        self.asked_for: list[Any] = []  # of history, rooms and broadcast
        self.history_reply = HistoryReply([], True, 7, 4)
        self.infos: list[RoomInfo] = []
        self.in_force = SanctionsReply([])
        self.settings_for_all = SettingsReply(RoomSettings(), RoomSettings())
        self.reports: list[EdgeReport] = []
        self.owners: list[Owners] = []
        self.reached = {"bus": True, "store": True, "owners": True}
        self.is_stuck = False

    async def ask(self, row: Row) -> Answer:
        if not isinstance(row, RankRow):
            self.rows.append(row)
        if self.is_stuck:
            await asyncio.Event().wait()
        if isinstance(row, RankRow) and RankRow not in self.answers:
            return Rank(Role.MODERATOR if row.uid in self.appointed else row.role)
        answer = self.answers[type(row)]
        if isinstance(answer, Refusal):
            raise answer
        return answer

    async def users(self, row: UserRow) -> Done | Refreshed:
        self.user_rows.append(row)
        if isinstance(row, ConfigureRow):
            self.settings_for_all = SettingsReply(row.settings, RoomSettings(slow_s=1))
            return Done()
        if row.uid in self.revoked and not isinstance(row, SanctionEverywhereRow):
            raise Refusal(UNAUTHORIZED, "the token was revoked")
        if isinstance(row, RevokeRow):
            self.revoked.add(row.uid)
        return self.refreshed if isinstance(row, RefreshRow) else Done()

    async def history(self, room: str, since: Position | None, limit: int) -> HistoryReply:
        self.asked_for.append((room, since, limit))
        return self.history_reply

    async def rooms(self, limit: int) -> list[RoomInfo]:
        self.asked_for.append(limit)
        return self.infos

    async def broadcast(self, uid: str, cid: str, item: bytes, pin_s: int = 0) -> int:
        self.asked_for.append((uid, cid, msgspec.msgpack.decode(item)))
        return 12

    async def sanctions(self, users: int, after: str) -> SanctionsReply:
        self.asked_for.append((users, after))
        return self.in_force

    async def read(self, request: records.Request, kind: type[R]) -> R:
        self.asked_for.append(request)
        reply = self.records[type(request)].pop(0)
        self.records[type(request)].append(reply)
        assert isinstance(reply, kind)
        return reply

    async def settings(self) -> SettingsReply:
        return self.settings_for_all

    async def words(self) -> tuple[str, bytes]:
        return self.list_of_words

    async def replace_words(self, packed: bytes, by: str, role: Role, over: str | None) -> str:
        version, _ = self.list_of_words
        if over not in (None, version):
            raise Refusal(CONFLICT)
        self.list_of_words = f"v{int(version[1:] or 0) + 1}", packed
        return self.list_of_words[0]

    async def adjust(self, row: AdjustRow | RollBackRow) -> Adjustment:
        self.asked_for.append(row)
        if row.expected not in (None, self.adjusted[0].version):
            raise Refusal(CONFLICT)
        before = self.adjusted[0]
        values = dict(before.values)
        if isinstance(row, AdjustRow):
            values = {key: value for key, value in {**values, **row.values}.items() if key not in row.unset}
        of = row.version if isinstance(row, RollBackRow) else 0
        self.adjusted.insert(0, Adjustment(before.version + 1, values, row.by, 5, row.reason, of, "act"))
        return self.adjusted[0]

    async def adjustments(self, limit: int) -> list[Adjustment]:
        return self.adjusted[:limit]

    async def order(self, edge: str, order: Drain) -> EdgeReport:
        self.asked_for.append((edge, order))
        if edge == "nobody":
            raise Refusal(NO_SUCH_EDGE)
        return EdgeReport(edge, [], 7, order.draining)

    def edges(self) -> list[EdgeReport]:
        return self.reports

    def processes(self) -> list[Owners]:
        return self.owners

    def ready(self) -> dict[str, bool]:
        return self.reached


class ScriptedChat:
    """Remembers what it is asked, and answers each kind of row as it is told to."""

    def __init__(self) -> None:
        group = chat.Group("team", "Team", 3, 9, 5, False, False, [Member("ann", "owner", 1)])
        self.rows: list[chat.Row] = []
        self.answers: dict[type, chat.Answer] = {
            chat.SendRow: chat.Said("p:ann:bob", 3, 1234),
            chat.RecallRow: chat.Said("p:ann:bob", 4, 1235),
            chat.PullRow: chat.Pulled([chat.PulledConversation("p:ann:bob", [], 0, more=False)]),
            chat.SyncRow: chat.Synced([]),
            chat.ReadRow: chat.ReadUpTo("p:ann:bob", 3),
            chat.GroupRow: group,
            chat.ChangeGroupRow: group,
            chat.BlockRow: chat.Done(),
            chat.BlockedRow: chat.Users(["eve"]),
            chat.SessionsRow: chat.Sessions([("tv", "e1", 1234)]),
            chat.EndSessionRow: chat.Done(),
            chat.PresenceRow: chat.Presence(online=True, seen_ms=1234),
        }

    async def ask(self, row: chat.Row, kind: type[C]) -> C:
        self.rows.append(row)
        answer = self.answers[type(row)]
        if isinstance(answer, chat.Refused):
            raise answer.refusal()
        assert isinstance(answer, kind)
        return answer


@dataclass(frozen=True)
class Answered:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def refusal(self) -> tuple[int, str]:
        """Status and name of an error, which must look like every other one."""
        assert self.headers["content-type"] == "application/json"
        error = self.json["error"]
        assert {"code", "error", "message"} <= set(error) <= {"code", "error", "message", "retry_ms"}
        return self.status, error["error"]


class Service:
    """An Api to call. `edge` are settings of its section."""

    def __init__(
        self, authority: Authority | None = None, pages: Pages | None = None, **edge: object
    ) -> None:
        self.authority = authority or Authority(secret=SECRET)
        self.rooms = ScriptedRooms()
        self._registry = CollectorRegistry()
        metrics = EdgeMetrics(self._registry)
        settings = msgspec.convert({"address_per_s": 0, **edge}, Edge)
        admission = Admission(settings, Allowances(settings), 1, int)
        self.now_s = NOW

        def now_s() -> float:
            return self.now_s

        self.chat = ScriptedChat()
        with made_once():
            self._api = Api(
                self.authority,
                self.rooms,
                self.chat,
                Running(Settings(edge=settings)),
                admission,
                metrics,
                now_s,
                now_s,
                pages,
            )

    def token(self, uid: str = "ann", role: Role = Role.VIEWER, **rooms: Role) -> str:
        identity = Identity(uid, uid.title(), role, rooms or None)
        return Authority(secret=SECRET).issue(identity, self.now_s).access

    async def call(
        self, method: str, url: str, body: Any = None, token: str | None = None, **headers: str
    ) -> Answered:
        """`body` is JSON unless it is bytes already; underscores in names of headers are dashes."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        if token is not None:
            named["authorization"] = f"Bearer {token}"
        raw = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        parts = urlsplit(url)
        request = Request(method, parts.path, parts.query, named, "127.0.0.1", raw)
        response: Response = await self._api(request)
        return Answered(
            response.status, {name.lower(): value for name, value in response.headers}, response.body
        )

    @property
    def routes(self) -> tuple[Route, ...]:
        return self._api.routes

    async def answer(self, request: Request) -> Response:
        return await self._api(request)

    def forget(self) -> None:
        """What was asked so far."""
        for asked in (self.rooms.rows, self.rooms.user_rows, self.rooms.asked_for, self.chat.rows):
            asked.clear()
        self.rooms.revoked.clear()

    def body_bytes(self, method: str, path: str, token: str | None = None) -> int:
        headers = {} if token is None else {"authorization": token}
        return self._api.body_bytes(Request(method, path, "", headers, "127.0.0.1"))

    def metric(self, metric: str, **labels: str) -> float:
        return measured(self._registry, f"danmaku_edge_{metric}_total", **labels)
