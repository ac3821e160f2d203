"""Names on the bus, and which partition a room belongs to."""

from __future__ import annotations

from binascii import crc32
from dataclasses import dataclass
from functools import lru_cache

PARTITIONS = 64


@lru_cache(maxsize=16_384)  # asked about a few times for every comment
def partition_of(room: str) -> int:
    """The partition whose owner judges `room`; stable for ever, the store's keys depend on it."""
    return crc32(room.encode()) % PARTITIONS


@dataclass(frozen=True, slots=True)
class Subjects:
    """Subjects under one prefix, so that several deployments can share a bus.

    Ids hold no dots, spaces or wildcards, so they are safe as tokens.
    """

    prefix: str = "danmaku"

    def owner(self, process: str) -> str:
        """`room in`: requests to the rooms process called `process` (envelope.OwnerRequest)."""
        return f"{self.prefix}.owner.{process}"

    def counts(self, process: str) -> str:
        """Viewer counts that edges report to the rooms process called `process` (envelope.Counts)."""
        return f"{self.prefix}.counts.{process}"

    def room_out(self, room: str) -> str:
        """`room out`: what the owner shows, a header and a finished client frame (envelope.Out)."""
        return f"{self.prefix}.out.{room}"

    @property
    def owners(self) -> str:
        """Rooms processes tell which partitions they own (envelope.Owners)."""
        return f"{self.prefix}.owners"

    @property
    def ask_owners(self) -> str:
        """An empty message here makes every rooms process tell at once."""
        return f"{self.prefix}.ask.owners"

    @property
    def history(self) -> str:
        """Queue group: recent history from any rooms process (envelope.HistoryRequest)."""
        return f"{self.prefix}.history"

    @property
    def users(self) -> str:
        """Queue group: what is asked and decided about users, or for all rooms (envelope.UsersRequest)."""
        return f"{self.prefix}.users"

    @property
    def changed(self) -> str:
        """To everybody who follows the changes log: an empty message says that there is something new."""
        return f"{self.prefix}.changed"

    @property
    def changes(self) -> str:
        """Queue group: what is new in the changes log (envelope.ChangesRequest)."""
        return f"{self.prefix}.changes"

    @property
    def sanctions(self) -> str:
        """Queue group: who is sanctioned in all rooms (envelope.SanctionsRequest)."""
        return f"{self.prefix}.sanctions"

    @property
    def settings(self) -> str:
        """Queue group: what rooms go by that have no setting of their own (envelope.SettingsRequest)."""
        return f"{self.prefix}.settings"

    @property
    def words(self) -> str:
        """Queue group: the list of words for all rooms (wordlist.WordsRequest)."""
        return f"{self.prefix}.words"

    @property
    def records(self) -> str:
        """Queue group: what moderators read (records.Request)."""
        return f"{self.prefix}.records"

    @property
    def adjustments(self) -> str:
        """Queue group: what settings are adjusted to (adjustment.AdjustmentRequest)."""
        return f"{self.prefix}.adjustments"

    @property
    def replaced(self) -> str:
        """To every edge: a device has a newer connection (envelope.Replaced)."""
        return f"{self.prefix}.replaced"

    @property
    def chat(self) -> str:
        """Queue group: what users do in conversations (chat.ChatRequest)."""
        return f"{self.prefix}.chat"

    @property
    def chat_heads(self) -> str:
        """To every edge: where conversations end in which something was said lately (chat.ChatHeads)."""
        return f"{self.prefix}.heads"

    def to_edge(self, edge: str) -> str:
        """To the edge worker called `edge`: what concerns users who have a device there (chat.News)."""
        return f"{self.prefix}.edge.to.{edge}"

    def orders(self, edge: str) -> str:
        """To the edge worker called `edge`: an admin wants it to drain, or to come back (envelope.Drain)."""
        return f"{self.prefix}.edge.orders.{edge}"

    def chat_out(self, gid: str) -> str:
        """`chat out`: what is said in a group, to the edges where its members are (chat.News)."""
        return f"{self.prefix}.chat.out.{gid}"

    @property
    def edge_report(self) -> str:
        """Each edge worker tells every 2 s where it listens and how full it is (envelope.EdgeReport)."""
        return f"{self.prefix}.edge.report"


QUEUE = "danmaku"
