"""What is called how in the store. Keys that one script touches share a hash tag."""

from __future__ import annotations

from dataclasses import dataclass

from danmaku.subjects import partition_of


@dataclass(frozen=True, slots=True)
class Keys:
    """All keys of one deployment. Stable for ever: what is stored is found by them."""

    prefix: str

    @property
    def layout(self) -> str:
        """Hash: how many partitions there are."""
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
        """Hash: title, open, settings, created_ms, likes."""
        return f"{self._room(room)}:state"

    def of_state(self, room: str) -> list[str]:
        """What a script that changes the room's state touches: lease, log, state, listing."""
        return [self.lease_of(room), self.log(room), self.state(room), self.listing_of(room)]

    def sanctions(self, room: str) -> str:
        """Hash: `<kind>:<uid>` to what was imposed."""
        return f"{self._room(room)}:sanctions"

    def revoked(self, uid: str) -> str:
        """String: tokens issued at or before this time are void; expires."""
        return f"{self._user(uid)}:revoked"

    def sessions(self, uid: str) -> str:
        """Hash: device to `<n>:<ms when it was noted>:<edge>:<session>` of its newest connection; expires."""
        return f"{self._user(uid)}:sessions"

    def family(self, uid: str, family: str) -> str:
        """String: expires when the family's last token does, whose time ends it.

        `<n>:<issued ms>:<that time>` of the refresh token spent last, or `revoked:0:<that time>`.
        """
        return f"{self._user(uid)}:family:{family}"

    @property
    def changes(self) -> str:
        """Stream: what was decided for all rooms (danmaku.change)."""
        return f"{self.prefix}:{{changes}}:log"

    @property
    def sanctions_everywhere(self) -> str:
        """Hash: `<kind>:<uid>` to what was imposed in all rooms."""
        return f"{self.prefix}:{{changes}}:sanctions"

    @property
    def settings_everywhere(self) -> str:
        """String: what rooms go by that have no setting of their own, as JSON."""
        return f"{self.prefix}:{{changes}}:settings"

    def _partition(self, partition: int) -> str:
        return f"{self.prefix}:{{r{partition}}}"

    def _room(self, room: str) -> str:
        return f"{self._partition(partition_of(room))}:room:{room}"

    def _user(self, uid: str) -> str:
        return f"{self.prefix}:{{u:{uid}}}"


def held_by(process: str, epoch: int) -> str:
    """What a lease says while `process` holds it with `epoch`."""
    return f"{epoch}:{process}"
