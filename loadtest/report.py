"""A measurement as a page: one file without scripts and without anything from elsewhere."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from contextlib import contextmanager
from html import escape
from importlib.util import find_spec
from typing import Any, Final

Figures = dict[str, Any]

_STYLE: Final = """
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 72rem; padding: 0 1rem;
       color: #1d2330; background: #fff }
h1 { font-size: 1.5rem } h2 { font-size: 1.1rem; margin-top: 2rem }
.plots { display: grid; grid-template-columns: repeat(auto-fit, minmax(30rem, 1fr)); gap: 1rem }
figure { margin: 0 } svg { width: 100%; height: auto }
table { border-collapse: collapse } td, th { padding: .25rem .8rem; border-bottom: 1px solid #dde1e8; text-align: left }
td.number { text-align: right; font-variant-numeric: tabular-nums } pre { overflow: auto; background: #f4f6f9; padding: 1rem }
"""  # noqa: E501  it is a style sheet


def check_plotter() -> None:
    """Raises ValueError without the package that plots, before anything was measured."""
    if find_spec("matplotlib") is None:
        raise ValueError("--report needs matplotlib: .venv/bin/python -m pip install -e '.[report]'")


def page(title: str, figures: Figures) -> str:
    """The page, of what a scenario measured and where; with plots of what there is over time."""
    samples = _in_a_row(figures.get("rounds", []))
    plots = _second_by_second(samples) if samples else []
    if figures["latency_ms"]:
        plots.insert(1, _percentiles(figures["latency_ms"]))
    where = {key: figures[key] for key in ("machine", "versions", "settings")}
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f"<title>danmaku {escape(title)}</title><style>{_STYLE}</style></head><body>"
        f"<h1>danmaku load test: {escape(title)}</h1>"
        f'<div class="plots">{"".join(f"<figure>{plot}</figure>" for plot in plots)}</div>'
        f"<h2>Figures</h2>{_table(figures)}"
        f"<h2>Where</h2><pre>{escape(json.dumps(where, indent=2))}</pre></body></html>\n"
    )


def _second_by_second(samples: list[Figures]) -> list[str]:
    shares: dict[str, tuple[str, ...]] = {kind: ("cpu_share", kind) for kind in samples[0]["cpu_share"]}
    held: dict[str, tuple[str, ...]] = {kind: ("rss_bytes", kind) for kind in samples[0]["rss_bytes"]}
    plots = [
        _over_time("Latency, ms", samples, {"p50": ("latency_ms", "p50"), "p99": ("latency_ms", "p99")}),
        _over_time("Deliveries per second", samples, {"deliveries": ("deliveries_per_s",)}),
    ]
    if shares:  # not those of a service that is not ours
        plots.append(_over_time("CPU, cores", samples, shares))
        plots.append(_over_time("Memory, MB", samples, held, 1e-6))
    return plots


def _in_a_row(rounds: list[Figures]) -> list[Figures]:
    """The samples of all rounds, as if one had followed the other at once."""
    samples: list[Figures] = []
    for part in rounds:
        begin = samples[-1]["at_s"] if samples else 0.0
        samples += [{**sample, "at_s": begin + sample["at_s"]} for sample in part.get("samples", [])]
    return samples


def _over_time(
    title: str, samples: list[Figures], lines: dict[str, tuple[str, ...]], scale: float = 1.0
) -> str:
    times = [sample["at_s"] for sample in samples]
    with _axes(title, "seconds") as (axes, svg):
        for name, path in lines.items():
            axes.plot(times, [_at(sample, path) * scale for sample in samples], label=name)
        axes.set_ylim(bottom=0)
        axes.legend(frameon=False)
    return svg.getvalue()


def _percentiles(latency_ms: dict[str, float]) -> str:
    with _axes("Latency by percentile, ms", "") as (axes, svg):
        bars = axes.bar(list(latency_ms), list(latency_ms.values()))
        axes.bar_label(bars, fmt="%.0f")
    return svg.getvalue()


@contextmanager
def _axes(title: str, below: str) -> Iterator[tuple[Any, io.StringIO]]:
    """Axes to draw on, and where the picture is found afterwards."""
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 3), layout="constrained")
    axes = figure.add_subplot()
    axes.set_title(title, loc="left", fontsize=10)
    axes.set_xlabel(below)
    axes.spines[["top", "right"]].set_visible(False)
    svg = io.StringIO()
    yield axes, svg
    plain = dict.fromkeys(("Creator", "Date", "Format", "Type"))
    FigureCanvasSVG(figure).print_svg(svg, metadata=plain)  # type: ignore[no-untyped-call]  # it has no types
    drawn = svg.getvalue()
    svg.seek(0)
    svg.truncate()
    svg.write(drawn[drawn.index("<svg") :])  # without the prologue of a file of its own


def _at(sample: Figures, path: tuple[str, ...]) -> float:
    value: Any = sample
    for key in path:
        value = value.get(key, 0.0)
    return float(value)


def _table(figures: Figures) -> str:
    rows = [
        f'<tr><td>{escape(key)}</td><td class="number">{value:,.2f}</td></tr>'
        if isinstance(value, float)
        else f'<tr><td>{escape(key)}</td><td class="number">{value:,}</td></tr>'
        for key, value in figures.items()
        if isinstance(value, int | float)
    ]
    return f"<table>{''.join(rows)}</table>"
