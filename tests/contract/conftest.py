"""One suite for twin and real server: every test here runs against both."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from functools import partial
from secrets import token_hex

import pytest
from redis.crc import key_slot

from config.settings import Chat, Nats, Rooms
from config.settings import Store as StoreSettings
from danmaku.bus import Bus
from danmaku.bus.nats import NatsBus
from danmaku.memory import MemoryBus, MemoryStore
from danmaku.store import Store
from danmaku.store.valkey import ValkeyStore
from danmaku.store.valkey.scripts import Call, Scripts, Word
from tests.contract.edge_worker import Connect, Start, edge_worker
from tests.contract.rooms_chat import Talk
from tests.contract.rooms_service import Running, Service, service
from tests.engines import ValkeyCluster

ROOMS = Rooms(history_batches=8, history_s=60)
CHAT = Chat(private_messages=8, private_s=60, group_messages=12, group_s=120)

# What is asked of a cluster, too, as far as that does not take long. That the keys of one script are
# at one place is looked at everywhere (`one_slot`).
CLUSTERED = {
    *("test_adjustments", "test_changes", "test_contacts", "test_conversations", "test_held", "test_history"),
    *("test_leases", "test_moderation", "test_polls", "test_recalls", "test_words"),
}
SLOW = {"test_many_sanctions_are_read_whole"}

Servers = tuple[str, Nats, StoreSettings | None]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """What is asked of the store itself is asked of a cluster, too: those above cannot tell."""
    if "store_settings" in metafunc.fixturenames:
        clustered = metafunc.module.__name__.rpartition(".")[2] in CLUSTERED
        clustered = clustered and metafunc.function.__name__ not in SLOW
        kinds = ["memory", "valkey", *(["cluster"] if clustered else [])]
        metafunc.parametrize("store_settings", kinds, indirect=True)


@pytest.fixture
def store_settings(request: pytest.FixtureRequest) -> StoreSettings | None:
    """None for the twin. An empty corner of the shared servers otherwise."""
    prefix = f"t{token_hex(4)}"
    if request.param == "memory":
        return None
    if request.param == "cluster":
        cluster: ValkeyCluster = request.getfixturevalue("shared_cluster")
        return StoreSettings(url=cluster.url, kind="cluster", prefix=prefix)
    return StoreSettings(url=request.getfixturevalue("store_url"), prefix=prefix)


@pytest.fixture(autouse=True)
def one_slot(monkeypatch: pytest.MonkeyPatch) -> None:
    """All keys of a script share a hash slot, whatever server it runs at."""
    call = Scripts.call

    def checked(scripts: Scripts, verb: str, keys: Sequence[str], *words: Word) -> Call:
        assert len({key_slot(key.encode()) for key in keys}) == 1, (verb, keys)
        return call(scripts, verb, keys, *words)

    monkeypatch.setattr(Scripts, "call", checked)


@pytest.fixture
async def store(store_settings: StoreSettings | None) -> AsyncIterator[Store]:
    opened: Store
    if store_settings is None:
        opened = MemoryStore(rooms=ROOMS, chat=CHAT)
    else:
        opened = await ValkeyStore.connect(store_settings, ROOMS, CHAT)
    yield opened
    await opened.close()


@pytest.fixture(params=["memory", "nats"])
def bus_settings(request: pytest.FixtureRequest) -> Nats | None:
    """None for the twin."""
    return None if request.param == "memory" else Nats(url=request.getfixturevalue("nats_url"))


@pytest.fixture
async def connect(bus_settings: Nats | None) -> AsyncIterator[Connect]:
    """Connects one more party to the same bus."""
    twin = MemoryBus()
    opened: list[Bus] = [twin]

    async def connect() -> Bus:
        if bus_settings is not None:
            opened.append(await NatsBus.connect(bus_settings, f"party {len(opened)}"))
        return opened[-1]

    yield connect
    for bus in opened:
        await bus.close()


@pytest.fixture(params=["memory", "real"])
def servers(request: pytest.FixtureRequest) -> Servers:
    """The bus and the store of rooms processes: twins, or a prefix of their own at the shared servers."""
    if request.param == "memory":
        return "memory", Nats(), None
    prefix = f"t{token_hex(4)}"
    nats = Nats(url=request.getfixturevalue("nats_url"), prefix=prefix)
    return "real", nats, StoreSettings(url=request.getfixturevalue("store_url"), prefix=prefix)


@pytest.fixture
async def live(servers: Servers) -> AsyncIterator[Service]:
    """A service without rooms processes yet."""
    async with service(*servers) as opened:
        yield opened


@pytest.fixture
async def process(live: Service) -> Running:
    """The one rooms process."""
    return await live.sole_owner()


@pytest.fixture
async def talk(live: Service, process: Running) -> Talk:
    return Talk(live)


@pytest.fixture
def bus() -> MemoryBus:
    """The one bus of a test that takes it away (`always`)."""
    return MemoryBus()


@pytest.fixture
def start(connect: Connect) -> Start:
    """Starts an edge worker with settings of the test's own."""
    return partial(edge_worker, connect)
