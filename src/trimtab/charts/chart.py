"""What a chart says, apart from how it is drawn: lines of points by name, and marks where something happened."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

X = float | int | datetime
Point = tuple[X, float]


@dataclass(frozen=True, slots=True)
class Mark:
    """Something that happened at one place of the x axis, for example a retrain."""

    x: X
    label: str


@dataclass(frozen=True, slots=True)
class Chart:
    """A line chart; nothing is drawn before one of the verbs is called."""

    series: Mapping[str, tuple[Point, ...]]
    title: str
    x_title: str
    y_title: str
    marks: tuple[Mark, ...] = ()

    def svg(self) -> str:
        """Return the picture as SVG text."""
        import vl_convert  # 200 ms and 60 MB: only where a picture is asked for

        return str(vl_convert.vegalite_to_svg(self.specification()))

    def png(self, scale: float = 2.0) -> bytes:
        """Return the picture as PNG bytes; `scale` 2 is sharp on dense screens."""
        import vl_convert  # as above

        return bytes(vl_convert.vegalite_to_png(self.specification(), scale=scale))

    def specification(self) -> dict[str, Any]:
        """Return the Vega-Lite definition, as a web page can take it."""
        from trimtab.charts.picture import define_picture  # imports Altair, half a second

        return define_picture(self)

    def text(self, width: int = 80) -> str:
        """Return the chart in plain Unicode; no line is longer than `width`, which is at least 40."""
        from trimtab.charts.terminal import draw_lines  # it needs Chart

        return "\n".join(draw_lines(self, max(40, width)))

    @property
    def is_dated(self) -> bool:
        """Whether the x axis is time."""
        return any(isinstance(x, datetime) for points in self.series.values() for x, _ in points)

    @property
    def places(self) -> list[float]:
        """Where the points of all lines stand on the x axis, times as Unix seconds."""
        return [place_of(x) for points in self.series.values() for x, _ in points]

    @property
    def heights(self) -> list[float]:
        """The y values of all lines."""
        return [y for points in self.series.values() for _, y in points]


def line_chart(
    series: Mapping[str, Sequence[Point]], *, title: str, x_title: str, y_title: str, marks: Sequence[Mark] = ()
) -> Chart:
    """Return a chart of lines by name, each a sequence of (x, y); x is a number or a time that knows its zone.

    Points are put in the order of x; those whose y is no finite number are left out.
    """
    kept = {
        name: sorted(((x, float(y)) for x, y in points if math.isfinite(y)), key=_by_place)
        for name, points in series.items()
    }
    return Chart({name: tuple(points) for name, points in kept.items()}, title, x_title, y_title, tuple(marks))


def place_of(x: X) -> float:
    """Return where x stands on its axis, a time as Unix seconds."""
    return x.astimezone(UTC).timestamp() if isinstance(x, datetime) else float(x)


def _by_place(point: Point) -> float:
    return place_of(point[0])


@dataclass(frozen=True, slots=True)
class Scale:
    """One axis: its ends, and the round numbers on it."""

    low: float
    high: float
    ticks: tuple[float, ...]

    def share(self, value: float) -> float:
        """Return where a value stands, from 0 at the low end to 1 at the high one."""
        return (value - self.low) / (self.high - self.low)


def fit_scale(values: Sequence[float], steps: int) -> Scale:
    """Return an axis with round numbers that holds all values, in about so many steps.

    >>> fit_scale([0.13, 0.29], 4)
    Scale(low=0.1, high=0.3, ticks=(0.1, 0.15, 0.2, 0.25, 0.3))
    """
    low, high = (min(values), max(values)) if values else (0.0, 1.0)
    if high - low <= 1e-9 * max(abs(low), abs(high)):
        low, high = low - (abs(low) / 10 or 0.5), high + (abs(high) / 10 or 0.5)
    step = _round_step((high - low) / steps)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    ticks = tuple(float(f"{number * step:.12g}") for number in range(first, last + 1))
    return Scale(ticks[0], ticks[-1], ticks)


def _round_step(step: float) -> float:
    power = 10.0 ** math.floor(math.log10(step))
    return next(power * factor for factor in (1, 2, 2.5, 5, 10) if power * factor >= step * 0.999)
