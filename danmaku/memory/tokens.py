"""Revoked tokens, and which refresh token was spent, in memory."""

from __future__ import annotations

from dataclasses import dataclass

from danmaku.memory.leases import Clock
from danmaku.store.tokens import Spent


@dataclass(slots=True)
class _Family:
    """The answer that was given last, None once the family is revoked; how long its tokens can live."""

    answer: Spent | None
    latest_ms: int
    until: int


class MemoryTokens:
    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._revoked: dict[str, tuple[int, int]] = {}  # uid: (issued until, remembered until)
        self._families: dict[tuple[str, str], _Family] = {}

    def is_void(self, uid: str, issued_ms: int) -> bool:
        """Whether a token of `uid` issued then was revoked."""
        void_ms = self._revoked_ms(uid)
        return void_ms > 0 and issued_ms <= void_ms

    async def revoke(self, uid: str, now_ms: int, ttl_ms: int) -> None:
        self._revoked[uid] = (max(now_ms, self._revoked_ms(uid)), self._clock() + ttl_ms)

    async def spend(
        self,
        uid: str,
        family: str,
        n: int,
        *,
        issued_ms: int,
        now_ms: int,
        grace_ms: int,
        until_ms: int,
    ) -> Spent | None:
        if self.is_void(uid, issued_ms):
            return None
        kept = self._families.get((uid, family))
        if kept is None or self._clock() >= kept.until:
            kept = _Family(Spent(n, now_ms), 0, 0)
        last, answer = kept.answer, None
        if last is not None and n == last.n:
            answer = Spent(n + 1, now_ms)
        elif last is not None and n == last.n - 1 and now_ms - last.issued_ms <= grace_ms:
            return last
        latest_ms = max(until_ms, kept.latest_ms)
        keep_ms = max(latest_ms - now_ms, 1)
        self._families[uid, family] = _Family(answer, latest_ms, self._clock() + keep_ms)
        return answer

    def _revoked_ms(self, uid: str) -> int:
        issued, until = self._revoked.get(uid, (0, 0))
        return issued if self._clock() < until else 0
