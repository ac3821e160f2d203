"""What is called how in the store. Keys that one script touches share a hash tag."""

from __future__ import annotations

from dataclasses import dataclass

from danmaku.conversation import Mention, bucket_of
from danmaku.model import Position
from danmaku.subjects import partition_of


@dataclass(frozen=True, slots=True)
class Keys:
    """All keys of one deployment. Stable for ever: what is stored is found by them."""

    prefix: str

    @property
    def layout(self) -> str:
        """Hash: how many partitions and buckets there are."""
        return f"{self.prefix}:layout"

    @property
    def processes(self) -> str:
        """Sorted set: live rooms processes by the time they are counted until."""
        return f"{self.prefix}:processes"

    def lease(self, partition: int) -> str:
        """String `<epoch>:<process>`: who holds the partition now; expires."""
        return f"{self._partition(partition)}:lease"

    def epoch(self, partition: int) -> str:
        """String: the last epoch that was given out; kept for ever."""
        return f"{self._partition(partition)}:epoch"

    def listing(self, partition: int) -> str:
        """Set: the partition's rooms."""
        return f"{self._partition(partition)}:rooms"

    def lease_of(self, room: str) -> str:
        return self.lease(partition_of(room))

    def listing_of(self, room: str) -> str:
        return self.listing(partition_of(room))

    def log(self, room: str) -> str:
        """Stream: the room's batches."""
        return f"{self._room(room)}:log"

    def state(self, room: str) -> str:
        """Hash: title, open, settings, created_ms, likes, board."""
        return f"{self._room(room)}:state"

    def recalls(self, room: str) -> str:
        """Hash: position `<epoch>-<seq>` of a recall to its item."""
        return f"{self._room(room)}:recalls"

    def held(self, room: str) -> str:
        """Hash: id to a comment that waits for a moderator, or was decided about lately."""
        return f"{self._room(room)}:held"

    def of_log(self, room: str) -> list[str]:
        """What a script that reads the room's log touches: log, recalls."""
        return [self.log(room), self.recalls(room)]

    def of_state(self, room: str) -> list[str]:
        """What a script that changes the room's state touches: lease, log, state, listing, recalls, held."""
        return [
            *(self.lease_of(room), self.log(room), self.state(room)),
            *(self.listing_of(room), self.recalls(room), self.held(room)),
        ]

    def sanctions(self, room: str) -> str:
        """Hash: `<kind>:<uid>` to what was imposed."""
        return f"{self._room(room)}:sanctions"

    def moderators(self, room: str) -> str:
        """Hash: uid to who was appointed, by whom and when."""
        return f"{self._room(room)}:moderators"

    def audit(self, room: str) -> str:
        """Stream: the room's acts of moderation; without a room, those for all rooms. Expires."""
        return f"{self._room(room) if room else self._everywhere}:audit"

    def act(self, room: str, act: str) -> str:
        """String: that the act of this id was written down in that record; expires."""
        return f"{self._room(room) if room else self._everywhere}:act:{act}"

    def votes(self, room: str) -> str:
        """Hash: uid to the option voted for in a poll, and its counts, see `vote.lua`; expires."""
        return f"{self._room(room)}:votes"

    def revoked(self, uid: str) -> str:
        """String: tokens issued at or before this time are void; expires."""
        return f"{self._user(uid)}:revoked"

    def sessions(self, uid: str) -> str:
        """Hash: device to `<n>:<ms when it was noted>:<edge>:<session>` of its newest connection; expires.

        Where that has ended, the edge is empty.
        """
        return f"{self._user(uid)}:sessions"

    def ended(self, uid: str) -> str:
        """Hash: device to the time in ms until which what was issued is void there; expires."""
        return f"{self._user(uid)}:ended"

    def conversations(self, uid: str) -> str:
        """Sorted set, all scores 0: the user's conversations, some of which may be empty or left."""
        return f"{self._user(uid)}:conversations"

    def blocked(self, uid: str) -> str:
        """Set: who may not send to the user in private."""
        return f"{self._user(uid)}:blocked"

    def messages(self, conv: str) -> str:
        """Stream: `at`, how many messages came `before`, the `message`, and `of` of a recall."""
        return f"{self._conversation(conv)}:log"

    def standing(self, conv: str) -> str:
        """Hash: seq (the last one), messages (how many of them), floor (the last seq that was trimmed),
        `recalled:<seq>` to `<seq>:<at>` of its recall; of a group what Facts has, and `outcast:<uid>` to
        `<1 if kicked>:<muted until ms>`.
        """
        return f"{self._conversation(conv)}:state"

    def reads(self, conv: str) -> str:
        """Hash: uid to `<seq>:<messages up to it>`, where he has read up to."""
        return f"{self._conversation(conv)}:reads"

    def members(self, conv: str) -> str:
        """Hash: uid to `<role>:<since>:<muted until ms>`."""
        return f"{self._conversation(conv)}:members"

    def outcasts(self, conv: str) -> str:
        """Sorted set: the outcasts in the state by the seq with which they went."""
        return f"{self._conversation(conv)}:outcasts"

    def cid(self, conv: str, uid: str, cid: str) -> str:
        """String `<seq>:<at>`: what a message was answered with; expires."""
        return f"{self._conversation(conv)}:cid:{uid}:{cid}"

    def change(self, conv: str, uid: str, cid: str) -> str:
        """String `<seq>:<at>`: what tells of a change of a group; expires."""
        return f"{self._conversation(conv)}:change:{uid}:{cid}"

    def order(self, conv: str, session: str) -> str:
        """String: the highest number of the session's messages here; expires."""
        return f"{self._conversation(conv)}:order:{session}"

    def mentions(self, conv: str, mention: Mention | None) -> list[str]:
        """Sorted sets: for each who is mentioned, or for all, the last seqs in which he is; they expire."""
        whom = ["@all"] if mention == "all" else mention or ()
        return [f"{self._conversation(conv)}:mentions:{one}" for one in whom]

    def active(self, bucket: int) -> str:
        """Sorted set: conversations by the time something was said in them last; swept."""
        return f"{self._bucket(bucket)}:active"

    def sweeper(self, bucket: int) -> str:
        """String: the process that sweeps the bucket; expires."""
        return f"{self._bucket(bucket)}:sweeper"

    def of_conversation(self, conv: str) -> list[str]:
        """What every script that appends a message touches: log, state, reads, active."""
        bucket = self._bucket(bucket_of(conv))  # looked up once, for this is asked with every message
        begin = f"{bucket}:conv:{conv}"
        return [f"{begin}:log", f"{begin}:state", f"{begin}:reads", f"{bucket}:active"]

    def family(self, uid: str, family: str) -> str:
        """String: expires when the family's last token does, whose time ends it.

        `<n>:<issued ms>:<that time>` of the refresh token spent last, or `revoked:0:<that time>`.
        """
        return f"{self._user(uid)}:family:{family}"

    @property
    def changes(self) -> str:
        """Stream: what was decided for all rooms (danmaku.change)."""
        return f"{self._everywhere}:log"

    @property
    def sanctions_everywhere(self) -> str:
        """Hash: `<kind>:<uid>` to what was imposed in all rooms."""
        return f"{self._everywhere}:sanctions"

    def words(self, room: str) -> str:
        """String: the room's own list of words, packed."""
        return f"{self._room(room)}:words"

    @property
    def words_everywhere(self) -> str:
        """Hash: version, pieces, and each piece of the list of words for all rooms by its number."""
        return f"{self._everywhere}:words"

    def words_staged(self, version: str) -> str:
        """Hash: the pieces of what is to be that list; expires."""
        return f"{self._everywhere}:words:{version}"

    @property
    def settings_everywhere(self) -> str:
        """String: what rooms go by that have no setting of their own, as JSON."""
        return f"{self._everywhere}:settings"

    @property
    def adjustments(self) -> str:
        """Hash: `version` of what settings are adjusted to, and each that is kept by its number."""
        return f"{self._everywhere}:adjustments"

    @property
    def _everywhere(self) -> str:
        return f"{self.prefix}:{{changes}}"

    def _bucket(self, bucket: int) -> str:
        return f"{self.prefix}:{{c{bucket}}}"

    def _conversation(self, conv: str) -> str:
        return f"{self._bucket(bucket_of(conv))}:conv:{conv}"

    def _partition(self, partition: int) -> str:
        return f"{self.prefix}:{{r{partition}}}"

    def _room(self, room: str) -> str:
        return f"{self._partition(partition_of(room))}:room:{room}"

    def _user(self, uid: str) -> str:
        return f"{self.prefix}:{{u:{uid}}}"


def held_by(process: str, epoch: int) -> str:
    """What a lease says while `process` holds it with `epoch`."""
    return f"{epoch}:{process}"


def id_of(position: Position) -> str:
    """How a position is written in the store."""
    return f"{position.epoch}-{position.seq}"


def position_of(raw: bytes) -> Position:
    epoch, _, seq = raw.partition(b"-")
    return Position(int(epoch), int(seq))
