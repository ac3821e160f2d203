"""The cost model: what must hold whatever the coefficients are."""

from __future__ import annotations

from dataclasses import replace
from math import exp

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtest.capacity import plan
from loadtest.costs import Costs, Demand, rows


def _demand(viewers: int, rooms: int, busiest: float, zipf: float, joins: float) -> Demand:
    """So many comments a second in the largest room, five times which its owner can judge."""
    rate = busiest * sum(rank**-zipf for rank in range(1, rooms + 1))
    return Demand(viewers, rooms, min(rate, 20_000.0), zipf, joins=joins)


demands = st.builds(
    _demand,
    viewers=st.integers(1, 2_000_000),
    rooms=st.integers(1, 20_000),
    busiest=st.floats(0, 800),
    zipf=st.floats(0, 2),
    joins=st.floats(0, 1000),
)


@given(demands)
def test_no_worker_has_more_than_it_may(demand: Demand) -> None:
    planned = plan(demand)
    assert planned.edge_workers * demand.busy >= planned.edge_cores * 0.999
    assert planned.viewers_per_worker <= demand.connections
    assert planned.rooms_processes * demand.busy >= planned.rooms_cores * 0.999
    assert planned.rooms_per_worker <= demand.rooms * 1.001


@given(demands, st.integers(2, 5))
def test_more_viewers_or_comments_never_cost_less(demand: Demand, times: int) -> None:
    planned = plan(demand)
    viewers = plan(replace(demand, viewers=demand.viewers * times))
    rate = plan(replace(demand, rate=demand.rate * times))
    for more in (viewers, rate):
        assert more.edge_workers >= planned.edge_workers
        assert more.cores >= planned.cores * 0.999
        assert more.egress_bits_per_s >= planned.egress_bits_per_s * 0.999


def test_one_hot_room_in_numbers() -> None:
    costs = replace(Costs().scaled(0.0), edge_frame_us=5.0)
    planned = plan(Demand(15_000, 1, 20.0, window_ms=50.0, gather_ms=5.0), costs)
    # 20 a second at random fill 1 - 1/e of the 20 windows of 50 ms; statistics every 2 s leave with them
    batches = 20 * (1 - exp(-1))
    requests = 2 * 100 * (1 - exp(-0.1))  # of two edges, in windows of 10 ms
    assert planned.frames_per_s == pytest.approx(15_000 * batches)
    assert planned.deliveries_per_s == 15_000 * 20
    assert planned.edge_cores == pytest.approx(15_000 * batches * 5e-6)
    assert planned.edge_workers == 2
    assert planned.nats_in_per_s == pytest.approx(batches + 0.5 + 2 * requests)
    assert planned.nats_out_per_s == pytest.approx(2 * (batches + 0.5) + 2 * requests)
    assert planned.store_appends_per_s == pytest.approx(batches)


@pytest.mark.parametrize(
    ("window_ms", "gather_ms", "gather_s"),
    [(20.0, 5.0, 0.005), (50.0, 20.0, 0.02), (1000.0, 5.0, 0.2), (10_000.0, 5.0, 0.5), (1000.0, 0.0, 0.0)],
)
def test_comments_are_gathered_as_edges_do_it(window_ms: float, gather_ms: float, gather_s: float) -> None:
    demand = Demand(5000, 1, 20.0, window_ms=window_ms, gather_ms=gather_ms)
    assert demand.gather_s == pytest.approx(gather_s)
    costs = Costs()
    dearer = replace(costs, owner_request_us=costs.owner_request_us + 1)
    requests_per_s = (plan(demand, dearer).rooms_cores - plan(demand, costs).rooms_cores) * 1e6
    assert requests_per_s == pytest.approx((1 - exp(-20 * gather_s)) / gather_s if gather_s else 20)


def test_what_a_room_does_not_show_reaches_no_viewer() -> None:
    shown = plan(Demand(1000, 1, 40.0))
    flooded = plan(Demand(1000, 1, 4000.0))
    assert flooded.deliveries_per_s == shown.deliveries_per_s == 40_000
    assert flooded.rooms_cores > shown.rooms_cores, "it is judged all the same"


def test_small_rooms_are_heard_of_by_no_more_workers_than_they_have_viewers() -> None:
    planned = plan(Demand(1_000_000, 500_000, 1000.0))
    assert planned.edge_workers > 60
    assert planned.rooms_per_worker * planned.edge_workers <= 1_000_000


def test_another_machine_is_as_many_times_slower_as_its_floor() -> None:
    demand = Demand(1_000_000, 1000, 20_000.0)  # where it is CPU that counts, not connections
    here, there = plan(demand), plan(demand, Costs().scaled(Costs().floor_us * 2))
    assert there.edge_workers > here.edge_workers * 1.8
    assert there.egress_bits_per_s == here.egress_bits_per_s


@pytest.mark.parametrize(
    "wrong",
    [
        Demand(0, 1, 1.0),
        Demand(1, 0, 1.0),
        Demand(1, 1, -1.0),
        Demand(1, 1, 1.0, busy=0.0),
        Demand(1, 1, 1.0, busy=1.5),
    ],
)
def test_what_cannot_be_is_said(wrong: Demand) -> None:
    with pytest.raises(ValueError, match=r"at least|0 or more|more than 0"):
        plan(wrong)


def test_where_workers_cost_more_than_they_bring_that_is_said() -> None:
    costs = replace(Costs(), edge_process_us=700_000.0)
    with pytest.raises(ValueError, match="no number of workers is enough"):
        plan(Demand(15_000, 1, 1.0), costs)


def test_there_are_no_more_owners_than_partitions() -> None:
    with pytest.raises(ValueError, match="there are 64 partitions"):
        plan(Demand(1000, 1000, 2_000_000.0))


def test_a_room_has_one_owner() -> None:
    costs = Costs().scaled(0.0)
    planned = plan(Demand(1000, 10, 20_000.0), replace(costs, owner_comment_us=25.0))
    assert planned.busiest_room_cores == pytest.approx(2000 * 25e-6)
    with pytest.raises(
        ValueError, match=r"the busiest room, with 200,000 comments a second, needs \d\.\d cores"
    ):
        plan(Demand(1000, 1, 200_000.0))
    assert plan(Demand(1000, 1000, 100_000.0)).busiest_room_cores < 0.1, "in many rooms it is no matter"
    with pytest.raises(ValueError, match="a room has one owner"):
        plan(Demand(1000, 1000, 200_000.0, zipf=2.0))


@given(demands)
def test_one_room_asks_no_more_of_its_owner_than_all_rooms_of_all(demand: Demand) -> None:
    planned = plan(demand)
    assert 0 < planned.busiest_room_cores <= planned.rooms_cores * 1.05 + 0.01


def test_people_get_short_numbers() -> None:
    told = dict(rows(plan(Demand(1_000_000, 5000, 5000.0))))
    assert told["edge workers"].replace(",", "").isdigit()
    assert told["comments delivered"] == "1.0 M/s"
    assert told["bandwidth to viewers"].endswith(" Gbit/s")
