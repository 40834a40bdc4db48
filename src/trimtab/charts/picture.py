"""A chart as a picture: a Vega-Lite definition through Altair.

Lines are told apart by colour (Okabe and Ito's palette, safe for the colour-blind), by dash, and by their name at
their end in place of a legend. Marks are thin vertical lines, labelled above the plot, in lanes where they are close.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import altair as alt

from trimtab.charts.chart import Chart, Scale, X, fit_scale, place_of
from trimtab.charts.intervals import IntervalChart

WIDTH, HEIGHT = 680, 280
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
DASHES = ([1, 0], [7, 3], [2, 2], [9, 3, 2, 3], [4, 4], [1, 3])
FONT = "DejaVu Sans, Verdana, Segoe UI, Helvetica, Arial, sans-serif"
INK, QUIET, FAINT = "#2b2b2b", "#6b6b6b", "#e3e3e3"
LETTER = 6.6
"""Pixels that a letter of a label takes, at most."""
LANE = 16
"""Pixels from one lane of labels to the next."""
LABEL, ROW = 240, 30
"""Pixels for the names of estimates at the left, and from one estimate to the next."""
MOST_POINTS = 60
"""Points of a line up to which each is shown as a dot."""


def define_picture(chart: Chart) -> dict[str, Any]:
    """Return the Vega-Lite definition of a chart."""
    y = fit_scale(chart.heights, 5)
    layers = [*_draw_marks(chart), _draw_lines(chart, y)]
    if chart.heights:
        layers += [_draw_points(chart), _draw_names(chart, y)]
    return _frame(layers, chart.title, HEIGHT)


def define_intervals(chart: IntervalChart) -> dict[str, Any]:
    """Return the Vega-Lite definition of a chart of intervals: a dot with whiskers for each estimate."""
    rows = [
        {"name": name, "value": value, "low": low, "high": high} for name, (value, low, high) in chart.estimates.items()
    ]
    ends = [end for _, low, high in chart.estimates.values() for end in (low, high)]
    scale = fit_scale([*ends, *([0.0] if chart.zero else [])], 6)
    across = alt.Axis(
        values=list(scale.ticks), format=".6~g", gridColor=FAINT, domain=False, ticks=False, titlePadding=10
    )
    x = alt.X("low:Q", title=chart.x_title, axis=across, scale=alt.Scale(domain=[scale.low, scale.high], nice=False))
    down = alt.Axis(domain=False, ticks=False, labelLimit=LABEL, labelPadding=10)
    y = alt.Y("name:N", title=None, sort=None, axis=down)
    layers = [
        _chart(rows).mark_rule(strokeWidth=2.5, color=COLOURS[0]).encode(x=x, x2="high:Q", y=y),
        _chart(rows).mark_point(filled=True, size=70, opacity=1, color=COLOURS[0]).encode(x="value:Q", y=y),
    ]
    if chart.zero:
        line = _chart([{"zero": 0.0}]).mark_rule(color=QUIET, strokeDash=[2, 3])
        layers.insert(0, line.encode(x="zero:Q"))
    return _frame(layers, chart.title, ROW * max(len(rows), 1), WIDTH - LABEL)


def _frame(layers: Sequence[Any], title: str, height: int, width: int = WIDTH) -> dict[str, Any]:
    heading = alt.TitleParams(title, anchor="start", frame="group", fontSize=16, color=INK, offset=18)
    picture = alt.layer(*layers).properties(width=width, height=height, title=heading, background="white", padding=14)
    picture = picture.configure(font=FONT).configure_view(stroke=None)
    return dict(
        picture.configure_axis(
            labelFontSize=12, titleFontSize=12, labelColor=INK, titleColor=QUIET, titleFontWeight="normal"
        ).to_dict()
    )


def _draw_lines(chart: Chart, y: Scale) -> Any:
    names = list(chart.series)
    dash = alt.StrokeDash("line:N", legend=None, scale=alt.Scale(domain=names, range=_cycle(DASHES, names)))
    lines = _chart(_list_points(chart)).mark_line(strokeWidth=2.5, strokeJoin="round", strokeCap="butt")
    return lines.encode(x=_x_axis(chart), y=_y_axis(chart, y), color=_colour(chart), strokeDash=dash)


def _draw_points(chart: Chart) -> Any:
    few = max(map(len, chart.series.values())) <= MOST_POINTS
    dots = _chart(_list_points(chart)).mark_point(size=34, filled=True, opacity=1 if few else 0)
    return dots.encode(x=_x(chart), y="y:Q", color=_colour(chart))


def _draw_names(chart: Chart, y: Scale) -> Any:
    """Write each line's name at its end, moved apart where two ends are close, and beyond every mark."""
    last = max((mark.x for mark in chart.marks), key=place_of, default=None)
    ends = {name: points[-1] for name, points in chart.series.items() if points}
    spots = spread([HEIGHT * (1 - y.share(height)) for _, height in ends.values()], 17)
    rows = [
        {"x": _plain(_farther(x, last)), "spot": spot, "line": name}
        for (name, (x, _)), spot in zip(ends.items(), spots, strict=True)
    ]
    names = _chart(rows).mark_text(align="left", dx=10, fontSize=12.5, fontWeight="bold", clip=False)
    return names.encode(x=_x(chart), y=alt.Y("spot:Q", scale=None, axis=None), text="line:N", color=_colour(chart))


def _farther(x: X, other: X | None) -> X:
    return x if other is None or place_of(other) <= place_of(x) else other


def _draw_marks(chart: Chart) -> list[Any]:
    lanes = choose_lanes(chart)
    rows = [
        {"x": _plain(mark.x), "top": -12 - LANE * lane, "label": mark.label}
        for mark, lane in zip(chart.marks, lanes, strict=True)
    ]
    if not rows:
        return []
    rule = _chart(rows).mark_rule(color=QUIET, strokeDash=[2, 3], clip=False)
    label = _chart(rows).mark_text(align="left", baseline="middle", dx=4, dy=1, color=INK, fontSize=11.5, clip=False)
    top = alt.Y("top:Q", scale=None, axis=None)
    return [rule.encode(x=_x(chart), y=top, y2=alt.value(HEIGHT)), label.encode(x=_x(chart), y=top, text="label:N")]


def choose_lanes(chart: Chart) -> list[int]:
    """Return the lane of each mark's label, 0 nearest to the plot: above every later line that it would cross."""
    places = [*chart.places, *(place_of(mark.x) for mark in chart.marks)]
    low, high = (min(places), max(places)) if places else (0.0, 1.0)
    lefts = [WIDTH * (place_of(mark.x) - low) / ((high - low) or 1) for mark in chart.marks]
    lanes = [0] * len(lefts)
    for number in sorted(range(len(lefts)), key=lambda one: (lefts[one], one), reverse=True):
        right = lefts[number] + LETTER * (len(chart.marks[number].label) + 2)
        later = (other for other in range(len(lefts)) if (lefts[other], other) > (lefts[number], number))
        lanes[number] = max((lanes[other] + 1 for other in later if lefts[other] < right), default=0)
    return lanes


def spread(spots: Sequence[float], gap: float) -> list[float]:
    """Return the spots in the same order, moved so that no two are closer than `gap`, close ones about their middle.

    >>> spread([10, 12, 80], 16)
    [3.0, 19.0, 80.0]
    """
    groups: list[tuple[float, list[int]]] = []
    for number in sorted(range(len(spots)), key=spots.__getitem__):
        groups.append((float(spots[number]), [number]))
        while len(groups) > 1 and _overlap(groups[-2], groups[-1], gap):
            (upper, above), (lower, below) = groups[-2:]
            middle = (upper * len(above) + lower * len(below)) / (len(above) + len(below))
            groups[-2:] = [(middle, above + below)]
    moved = dict.fromkeys(range(len(spots)), 0.0)
    for middle, members in groups:
        for place, number in enumerate(members):
            moved[number] = middle + gap * (place - (len(members) - 1) / 2)
    return list(moved.values())


def _overlap(above: tuple[float, list[int]], below: tuple[float, list[int]], gap: float) -> bool:
    return below[0] - above[0] < gap * (len(above[1]) + len(below[1])) / 2


def _chart(rows: list[dict[str, Any]]) -> Any:
    """Return an Altair chart over rows; its methods are built at import time, so that no type can be said."""
    return alt.Chart({"values": rows})


def _list_points(chart: Chart) -> list[dict[str, Any]]:
    return [{"x": _plain(x), "y": y, "line": name} for name, points in chart.series.items() for x, y in points]


def _plain(x: X) -> float | str:
    return x.astimezone(UTC).isoformat() if isinstance(x, datetime) else x


def _x(chart: Chart) -> alt.X:
    return alt.X("x:T" if chart.is_dated else "x:Q")


def _x_axis(chart: Chart) -> alt.X:
    axis = alt.Axis(grid=False, tickColor=QUIET, domainColor=QUIET, titlePadding=10, tickCount=8, labelOverlap=True)
    if chart.is_dated:
        axis.format = _date_format(max(chart.places) - min(chart.places))
    elif all(isinstance(x, int) for points in chart.series.values() for x, _ in points):
        axis.tickMinStep = 1
    scale = alt.Scale(type="utc" if chart.is_dated else "linear", zero=False, nice=False)
    return _x(chart).title(chart.x_title).axis(axis).scale(scale)


def _date_format(seconds: float) -> str:
    day = 86_400
    return "%Y-%m" if seconds > 300 * day else "%-d %b" if seconds > 3 * day else "%H:%M"


def _y_axis(chart: Chart, y: Scale) -> alt.Y:
    axis = alt.Axis(values=list(y.ticks), gridColor=FAINT, domain=False, ticks=False, labelPadding=8, titlePadding=12)
    return alt.Y("y:Q", title=chart.y_title, axis=axis, scale=alt.Scale(domain=[y.low, y.high], nice=False))


def _colour(chart: Chart) -> alt.Color:
    names = list(chart.series)
    return alt.Color("line:N", legend=None, scale=alt.Scale(domain=names, range=_cycle(COLOURS, names)))


def _cycle(values: Sequence[Any], names: Sequence[str]) -> list[Any]:
    return [values[number % len(values)] for number in range(len(names))]
