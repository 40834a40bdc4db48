"""A chart as plain text: the same lines with glyphs in place of colours, readable from 40 columns on."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from itertools import pairwise
from textwrap import wrap

from trimtab.charts.chart import Chart, Scale, fit_scale, place_of

ROWS = 12
GLYPHS = "●○◆◇▲△"
BETWEEN, MARK, SEVERAL = "·", "┊", "◉"


def draw_lines(chart: Chart, width: int) -> Iterator[str]:
    """Yield the lines of text: title, plot, axis, names, marks."""
    yield from wrap(chart.title, width)
    yield from wrap(f"y: {chart.y_title}", width)
    if not chart.heights:
        yield "(no data yet)"
        return
    plot = list(_draw_plot(chart, width))
    yield from plot
    names = [f"{glyph} {name}" for name, glyph in zip(chart.series, _cycle(len(chart.series)), strict=True)]
    names += [f"{SEVERAL} several"] if any(SEVERAL in line for line in plot) else []
    whole = (name.replace(" ", "\N{NO-BREAK SPACE}") for name in names)
    yield from (line.replace("\N{NO-BREAK SPACE}", " ") for line in wrap("   ".join(whole), width))
    for number, mark in enumerate(chart.marks, start=1):
        yield from wrap(f"{_sign(number)} {mark.label}", width, subsequent_indent="  ")


def _draw_plot(chart: Chart, width: int) -> Iterator[str]:
    y = fit_scale(chart.heights, 4)
    labels = _label_rows(y)
    indent = max(map(len, labels.values())) + 1
    columns = width - indent - 2
    low, high = _x_ends(chart)
    canvas = _paint(chart, y, columns, (low, high))
    for row, cells in enumerate(canvas):
        yield f"{labels.get(row, ''):>{indent}} {'┤' if row in labels else '│'}{''.join(cells)}".rstrip()
    yield f"{'':{indent}} └{'─' * columns}"
    if chart.marks:
        yield f"{'':{indent + 2}}{_number_marks(chart, columns, (low, high))}".rstrip()
    yield _label_ends(chart, indent + 2, columns)


def _paint(chart: Chart, y: Scale, columns: int, ends: tuple[float, float]) -> list[list[str]]:
    canvas = [[" "] * columns for _ in range(ROWS)]
    for mark in chart.marks:
        for cells in canvas:
            cells[_column(place_of(mark.x), ends, columns)] = MARK
    drawn = list(zip(chart.series.values(), _cycle(len(chart.series)), strict=True))
    for points, _ in drawn:
        spots = [(_column(place_of(x), ends, columns), _row(height, y)) for x, height in points]
        for column, row in _connect(spots):
            canvas[row][column] = BETWEEN
    for points, glyph in drawn:
        for x, height in points:
            row, column = _row(height, y), _column(place_of(x), ends, columns)
            taken = canvas[row][column] not in {" ", BETWEEN, MARK, glyph}
            canvas[row][column] = SEVERAL if taken else glyph
    return canvas


def _connect(spots: Sequence[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Yield the cells strictly between neighbouring points, one for each column."""
    for (left, upper), (right, lower) in pairwise(spots):
        for column in range(left + 1, right):
            yield column, round(upper + (lower - upper) * (column - left) / (right - left))


def _x_ends(chart: Chart) -> tuple[float, float]:
    places = [*chart.places, *(place_of(mark.x) for mark in chart.marks)]
    return min(places), max(places)


def _column(place: float, ends: tuple[float, float], columns: int) -> int:
    low, high = ends
    return round((place - low) / ((high - low) or 1) * (columns - 1))


def _row(height: float, y: Scale) -> int:
    return round((1 - y.share(height)) * (ROWS - 1))


def _label_rows(y: Scale) -> dict[int, str]:
    return {_row(tick, y): f"{tick:g}" for tick in y.ticks}


def _number_marks(chart: Chart, columns: int, ends: tuple[float, float]) -> str:
    cells = [" "] * columns
    for number, mark in enumerate(chart.marks, start=1):
        cells[_column(place_of(mark.x), ends, columns)] = _sign(number)
    return "".join(cells)


def _sign(number: int) -> str:
    """Return one character for the number of a mark: 1 to 9, then letters."""
    signs = "123456789abcdefghijklmnopqrstuvwxyz"
    return signs[number - 1] if number <= len(signs) else "*"


def _label_ends(chart: Chart, indent: int, columns: int) -> str:
    low, high = (_name_place(chart, place) for place in _x_ends(chart))
    middle = chart.x_title[: max(0, columns - len(low) - len(high) - 2)]
    return f"{'':{indent}}{low}{middle:^{columns - len(low) - len(high)}}{high}"


def _name_place(chart: Chart, place: float) -> str:
    return datetime.fromtimestamp(place, UTC).strftime("%Y-%m-%d") if chart.is_dated else f"{place:g}"


def _cycle(count: int) -> list[str]:
    return [GLYPHS[number % len(GLYPHS)] for number in range(count)]
