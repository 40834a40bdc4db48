"""Estimates under each other, each with its interval: what a list of slices or of columns says at a glance."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Estimate = tuple[float, float, float]
"""A value with the low and the high end of its interval."""


@dataclass(frozen=True, slots=True)
class IntervalChart:
    """Estimates by name, the first on top; `zero` draws the line of no difference."""

    estimates: Mapping[str, Estimate]
    title: str
    x_title: str
    zero: bool = False

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
        from trimtab.charts.picture import define_intervals  # imports Altair, half a second

        return define_intervals(self)


def interval_chart(estimates: Mapping[str, Estimate], *, title: str, x_title: str, zero: bool = False) -> IntervalChart:
    """Return a chart of estimates by name; those that are no finite numbers are left out."""
    kept = {name: one for name, one in estimates.items() if all(map(math.isfinite, one))}
    return IntervalChart(kept, title, x_title, zero)
