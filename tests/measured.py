"""What was measured. To ask for what nobody measures would be to find nothing of it for ever."""

from __future__ import annotations

from prometheus_client import CollectorRegistry


def measured(registry: CollectorRegistry, name: str, /, **labels: str) -> float:
    """0 where there was nothing to count yet; fails where there is no such name, or not with these labels."""
    value = registry.get_sample_value(name, labels)
    if value is None:
        known = registry._collector_to_names  # no public way tells labels without a sample
        of_name = [collector for collector, names in known.items() if name in names]
        assert [set(getattr(one, "_labelnames", ())) for one in of_name] == [set(labels)], name
    return value or 0.0
