"""What is right: the answers to a list's questions, and what they would be if one kind of care were left out."""

from dataclasses import dataclass
from itertools import pairwise

import polars as pl

from trimtab.path.exam.tasks import COLUMNS, LAST_AGE, REPORTED, Questions
from trimtab.path.exam.world import Slip, World, clean


@dataclass(frozen=True, slots=True)
class Answers:
    """The eight answers. `ranked` holds all fares of the group, because several passengers may share one at the end."""

    load: pl.DataFrame
    filter: pl.DataFrame
    group: pl.DataFrame
    ranked: pl.DataFrame
    join: pl.DataFrame
    missing: pl.DataFrame
    edges: tuple[float, ...]
    heights: tuple[int, ...]
    rate: float
    median: float


def solve(world: World, questions: Questions, slip: Slip | None = None) -> Answers:
    """Return the answers for a list; with `slip`, the wrong ones that leaving out that care leads to."""
    rows = clean(world.listed, slip)
    edges, heights = _bin_ages(rows, questions)
    rate = _of(rows, questions.rate_of)["survived"].mean()
    return Answers(
        load=rows.select(COLUMNS),
        filter=_filter_rows(rows, questions, strict=slip is Slip.BORDER),
        group=_group_ages(rows, questions.keys, slip),
        ranked=_rank_fares(rows, questions),
        join=_compare_fares(rows, world.fares),
        missing=_count_missing(rows),
        edges=edges,
        heights=heights,
        rate=100 * _number(rate),
        median=_middle_fare(rows, questions, mean=slip is Slip.MEDIAN),
    )


def _rank_fares(rows: pl.DataFrame, questions: Questions) -> pl.DataFrame:
    """Return passenger and fare of the group that is ranked, highest fare first."""
    known = _of(rows, questions.among).drop_nulls("fare")
    return known.select("passenger", "fare").sort("fare", "passenger", descending=[True, False])


def _of(rows: pl.DataFrame, group: tuple[str, str | int]) -> pl.DataFrame:
    return rows.filter(pl.col(group[0]) == group[1])


def _filter_rows(rows: pl.DataFrame, q: Questions, *, strict: bool) -> pl.DataFrame:
    age, border = pl.col("age"), q.border
    side = age > border if q.at_least else age < border
    if not strict:
        side |= age == border
    return _of(rows, q.filter_by).filter(side).select("passenger")


def _group_ages(rows: pl.DataFrame, keys: tuple[str, str], slip: Slip | None) -> pl.DataFrame:
    age = pl.col("age").median() if slip is Slip.MEDIAN else pl.col("age").mean()
    return rows.drop_nulls(keys).group_by(keys).agg(mean_age=age, count=pl.len()).sort(keys)


def _compare_fares(rows: pl.DataFrame, fares: pl.DataFrame) -> pl.DataFrame:
    known = rows.drop_nulls("fare").join(fares, on="class")
    difference = (pl.col("fare") - pl.col("list_price")).mean()
    return known.group_by("name").agg(passengers=pl.len(), mean_difference=difference).sort("name")


def _count_missing(rows: pl.DataFrame) -> pl.DataFrame:
    counts = [rows[name].null_count() for name in REPORTED]
    return pl.DataFrame({"column": REPORTED, "missing": counts}).with_columns(
        percent=100 * pl.col("missing") / rows.height
    )


def _bin_ages(rows: pl.DataFrame, q: Questions) -> tuple[tuple[float, ...], tuple[int, ...]]:
    """Return edges and heights of the histogram; a bar holds its left edge, and no known age reaches the last one."""
    ages = _of(rows, q.drawn).drop_nulls("age")["age"]
    edges = tuple(float(edge) for edge in range(0, LAST_AGE + 1, q.width))
    return edges, tuple(int(((ages >= low) & (ages < high)).sum()) for low, high in pairwise(edges))


def _middle_fare(rows: pl.DataFrame, q: Questions, *, mean: bool) -> float:
    fares = _of(rows, ("survived", q.median_of))["fare"]
    return _number(fares.mean() if mean else fares.median())


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) else float("nan")
