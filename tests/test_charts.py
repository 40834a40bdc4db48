"""Charts: the same numbers as picture and as text."""

import doctest
import struct
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import trimtab.charts.chart
import trimtab.charts.picture
from trimtab.charts import Chart, Mark, interval_chart, line_chart
from trimtab.charts.chart import fit_scale
from trimtab.charts.picture import HEIGHT, LETTER, WIDTH, choose_lanes, spread

START = datetime(2026, 1, 1, tzinfo=UTC)


def example(marks: tuple[Mark, ...] = (Mark(3, "retrain"), Mark(4, "v2 promoted"))) -> Chart:
    series = {"as served": [(x, 0.2 + 0.1 * (x == 3)) for x in range(8)], "frozen <1>": [(x, 0.3) for x in range(8)]}
    return line_chart(series, title="Loss & risk", x_title="window", y_title="Brier score", marks=marks)


def test_examples_in_the_docstrings_print_what_they_say() -> None:
    for module in (trimtab.charts.chart, trimtab.charts.picture):
        assert doctest.testmod(module).failed == 0


def test_svg_is_well_formed_and_says_everything() -> None:
    words = "".join(ET.fromstring(example().svg()).itertext())  # noqa: S314 - it is our own text
    for said in ("Loss & risk", "window", "Brier score", "as served", "frozen <1>", "retrain", "v2 promoted"):
        assert said in words


def test_png_grows_with_its_scale() -> None:
    widths = [struct.unpack(">I", example().png(scale)[16:20])[0] for scale in (1.0, 2.0)]
    assert widths[0] > WIDTH
    assert abs(widths[1] - 2 * widths[0]) <= 2


@pytest.mark.parametrize("width", [40, 60, 80, 120])
def test_text_fits_its_width(width: int) -> None:
    lines = example().text(width).splitlines()
    assert max(map(len, lines)) <= width
    assert max(map(len, lines)) > width - 10
    for said in ("Loss & risk", "● as served", "○ frozen <1>", "1 retrain", "2 v2 promoted"):
        assert any(said in line for line in lines)


def test_text_shows_a_rise_where_it_is() -> None:
    """The highest glyph stands in the column of the highest value."""
    chart = line_chart({"loss": [(0, 0.0), (1, 0.0), (2, 1.0), (3, 0.0)]}, title="t", x_title="x", y_title="y")
    rows = [line for line in chart.text(60).splitlines() if "┤" in line or "│" in line]
    first = next(row for row in rows if "●" in row)
    ground = rows[-1]
    assert [index for index, sign in enumerate(ground) if sign == "●"][1] < first.index("●") < ground.rindex("●")


def test_points_at_one_spot_are_not_hidden() -> None:
    chart = line_chart({"a": [(0, 1.0), (1, 2.0)], "b": [(0, 1.0), (1, 3.0)]}, title="t", x_title="x", y_title="y")
    assert "◉" in chart.text(60)
    assert "several" in chart.text(60)


def test_dates_stand_on_both_ends() -> None:
    points = [(START + timedelta(days=day), float(day)) for day in range(30)]
    chart = line_chart({"loss": points}, title="t", x_title="day", y_title="y", marks=[Mark(START, "begin")])
    assert "2026-01-01" in chart.text(60)
    assert "2026-01-30" in chart.text(60)
    assert "Jan" in chart.svg()


@pytest.mark.parametrize(
    "points", [[], [(0, 0.5)], [(0, 0.5), (1, 0.5)], [(0, float("nan")), (1, 2.0)], [(1, 1e-300), (2, 1e300)]]
)
def test_thin_and_odd_data_is_drawn_too(points: list[tuple[float, float]]) -> None:
    chart = line_chart({"loss": points}, title="t", x_title="x", y_title="y", marks=[Mark(0, "here")])
    assert chart.text(40)
    assert chart.svg().startswith("<svg")


@given(st.lists(st.floats(-1e9, 1e9), max_size=6), st.integers(2, 8))
@settings(deadline=None, max_examples=200)
def test_scale_holds_every_value(values: list[float], steps: int) -> None:
    scale = fit_scale(values, steps)
    assert scale.low < scale.high
    assert all(-1e-6 <= scale.share(value) <= 1 + 1e-6 for value in values)
    assert 2 <= len(scale.ticks) <= 2 * steps + 3


def test_names_stand_beyond_a_mark_that_is_farther_than_the_last_point() -> None:
    for place in (5, 9):
        drawn = example((Mark(place, "v8 promoted"),)).specification()["datasets"].values()
        names = next(rows for rows in drawn if "spot" in rows[0])
        assert {row["x"] for row in names} == {max(7, place)}


@given(st.lists(st.floats(0, HEIGHT), max_size=8))
@settings(deadline=None, max_examples=200)
def test_names_of_lines_never_overlap(spots: list[float]) -> None:
    moved = sorted(spread(spots, 17))
    assert all(lower - upper >= 17 - 1e-6 for upper, lower in pairwise(moved))


@given(st.lists(st.tuples(st.integers(0, 50), st.text("ab", max_size=20)), max_size=8))
@settings(deadline=None, max_examples=200)
def test_labels_of_marks_cross_no_line(marks: list[tuple[int, str]]) -> None:
    """Where a later mark stands under a label, the label is in a higher lane than that mark's line reaches."""
    chart = example(tuple(Mark(*mark) for mark in sorted(marks)))
    lanes = choose_lanes(chart)
    high = max([7, *(x for x, _ in marks)])
    for number, (mark, lane) in enumerate(zip(chart.marks, lanes, strict=True)):
        for later, other in zip(chart.marks[number + 1 :], lanes[number + 1 :], strict=True):
            left, right = (WIDTH * float(x) / high for x in (mark.x, later.x))  # type: ignore[arg-type]
            assert right >= left + LETTER * (len(mark.label) + 2) or lane > other


def test_text_needs_no_drawing_library() -> None:
    code = (
        "import sys; from trimtab.charts import line_chart;"
        "line_chart({'a': [(0, 1.0), (1, 2.0)]}, title='t', x_title='x', y_title='y').text(60);"
        "sys.exit(bool({'altair', 'vl_convert', 'numpy'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_estimates_stand_under_each_other_with_their_ends() -> None:
    drawn = {"a < b": (0.4, 0.3, 0.6), "broken": (float("nan"), 0.0, 1.0)}
    chart = interval_chart(drawn, title="Families", x_title="log loss", zero=True)
    assert list(chart.estimates) == ["a < b"]
    svg = chart.svg()
    assert all(text in svg for text in ("a &lt; b", "Families", "log loss"))
    assert interval_chart({}, title="t", x_title="x").svg().startswith("<svg")
