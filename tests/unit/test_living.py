from __future__ import annotations

from rooms.living import LivingEdges


def test_an_edge_that_says_nothing_for_long_is_gone() -> None:
    edges = LivingEdges(100.0)
    assert not edges.is_gone("e1", 110.0)  # it may just not have been heard of yet
    assert edges.is_gone("e1", 110.5)
    edges.hear("e1", 111.0)
    edges.hear("e2", 112.0)
    assert not edges.is_gone("e1", 121.0)
    assert edges.is_gone("e1", 121.5)
    assert not edges.is_gone("e2", 121.5)


def test_after_a_silence_of_the_bus_all_have_time_to_say_so() -> None:
    edges = LivingEdges(0.0)
    edges.hear("e1", 1.0)
    edges.doubt(60.0)
    assert not edges.is_gone("e1", 70.0)
    assert edges.is_gone("e1", 70.5)


def test_who_is_gone_is_forgotten() -> None:
    edges = LivingEdges(0.0)
    for number in range(1000):
        edges.hear(f"e{number}", float(number))
    assert len(edges._heard) == 11
