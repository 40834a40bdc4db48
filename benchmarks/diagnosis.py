"""Planted faults: which cause is named, how high, how late; and what is named where nothing was planted.

    python benchmarks/diagnosis.py [STREAM ...]      (all by default)      writes docs/benchmarks/diagnosis.md and .json

The first 30 % of a stream make a model (LightGBM, 80 trees of 31 leaves; its last sixth is kept from the fit and is what
it promised on). Then come windows of 1.5 %, and labels about one window late. Each of ten faults is planted ten times, by
seed: where it begins, in which column, how strong. Every window after that is diagnosed with what was known at its end,
and so are the same windows without the fault. A fault counts as named where its cause stands first or second in one of
the first four windows that it touched (slow drift and season: in any), and, where it has a column, that column with it.
Columns are chosen by chance among those of the right sort, whether the model uses them or not. Nothing is tuned here.
"""

import json
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lightgbm
import numpy as np
import polars as pl
from models_sets import TABLES, read_table

from trimtab.monitor.diagnose import diagnose
from trimtab.monitor.seen import Given, Known, Seen, see
from trimtab.metrics.profile import Profile, answer_columns
from trimtab.nouns import Hypothesis
from trimtab.testing.faults import KINDS, OF_NUMBERS, Fault, plant_fault

PAGE = Path(__file__).parents[1] / "docs" / "benchmarks" / "diagnosis.md"
SEEDS = 10
FIRST, HELD, SHARE = 0.30, 0.15, 0.015
BEFORE, SOON = 16, 4
EXPECTED = {
    **{kind: kind for kind in KINDS},
    "label_flip": "concept_drift",
    "slow_drift": "covariate_shift",
    "season": "covariate_shift",
    "feed_stop": "feed_stopped",
}
STRENGTHS: Mapping[str, tuple[float, ...]] = {
    "unit_change": (1000.0, 100.0, 2.54, 1.609344, 0.45359237),
    "null_storm": (0.8, 0.4),
    "category_explosion": (0.5, 0.25),
    "label_flip": (0.5, 0.3),
    "slow_drift": (2.0, 1.5),
    "season": (1.5, 1.0),
    "feed_stop": (0.25, 0.15),
    "duplicate_feed": (1.0, 0.5),
    "base_rate_change": (3.0, 2.0),
    "label_delay": (3.0, 5.0),
}
"""Label delay in windows; all others as `trimtab inject` takes them. A regression's base rate rises by half of it."""


@dataclass(frozen=True)
class Stream:
    """Rows in order of time (`target` and `_seconds` besides the features), its model and what that is held to."""

    name: str
    task: str
    rows: pl.DataFrame
    known: Known
    model: Any
    codes: Mapping[str, Mapping[str, int]]

    @property
    def size(self) -> int:
        return max(150, round(SHARE * self.rows.height))

    def answer(self, rows: pl.DataFrame) -> np.ndarray:
        return np.asarray(self.model.predict(encode(rows, self.codes), num_threads=1))


def encode(rows: pl.DataFrame, codes: Mapping[str, Mapping[str, int]]) -> np.ndarray:
    """Return features as numbers; a word that was not fitted is missing."""
    columns = [
        rows[name].cast(pl.String).replace_strict(codes[name], default=None, return_dtype=pl.Float64)
        if name in codes
        else rows[name].cast(pl.Float64)
        for name in rows.columns
        if name not in {"target", "_seconds"}
    ]
    return np.column_stack([one.fill_null(float("nan")).to_numpy() for one in columns])


def labels_of(stream: Stream, rows: pl.DataFrame) -> np.ndarray:
    if stream.task == "regression":
        return rows["target"].cast(pl.Float64).fill_null(float("nan")).to_numpy()
    places = {name: float(place) for place, name in enumerate(stream.known.classes)}
    return (
        rows["target"].replace_strict(places, default=None, return_dtype=pl.Float64).fill_null(float("nan")).to_numpy()
    )


def open_stream(name: str, task: str, rows: pl.DataFrame) -> Stream:
    """Return a stream with its model."""
    if "_seconds" not in rows.columns:
        rows = rows.with_columns(_seconds=pl.int_range(pl.len()).cast(pl.Float64))
    first = rows[: round(FIRST * rows.height)]
    fitted, held = first[: round((1 - HELD) * first.height)], first[round((1 - HELD) * first.height) :]
    features = [one for one in rows.columns if one not in {"target", "_seconds"}]
    words = [one for one in features if not rows.schema[one].is_numeric()]
    codes = {
        one: {value: place for place, value in enumerate(fitted[one].cast(pl.String).drop_nulls().unique().sort())}
        for one in words
    }
    classes = tuple(first["target"].unique().sort().to_list()) if task != "regression" else ()
    target = {name: place for place, name in enumerate(classes)}
    labels = (
        fitted["target"].replace_strict(target, return_dtype=pl.Float64)
        if classes
        else fitted["target"].cast(pl.Float64)
    )
    settings = {
        "objective": "binary" if task == "binary" else "regression",
        "num_leaves": 31,
        "verbose": -1,
        "num_threads": 1,
        "seed": 7,
        "deterministic": True,
    }
    model = lightgbm.train(settings, lightgbm.Dataset(encode(fitted, codes), labels.to_numpy()), 80)
    said = pl.DataFrame(
        {**answer_columns(task, np.asarray(model.predict(encode(held, codes))), classes), "label": held["target"]}
    )
    known = Known(task, classes, Profile.fit(fitted, features), Profile.fit(said, said.columns))
    return Stream(name, task, rows, known, model, codes)


def follow(
    stream: Stream, rows: pl.DataFrame, late: np.ndarray, first: int, last: int
) -> Iterator[tuple[int, tuple[Hypothesis, ...]]]:
    """Yield the diagnosis of each window between two rows, as of its end; windows before them are only looked at."""
    seconds, answers, labels = rows["_seconds"].to_numpy(), stream.answer(rows), labels_of(stream, rows)
    features = rows.select(pl.exclude("target", "_seconds"))
    known_at = seconds + late
    seen: list[tuple[int, int]] = []
    start = max(first - BEFORE * stream.size, round(FIRST * stream.rows.height))
    for low in range(start, min(last, rows.height - stream.size) + 1, stream.size):
        seen.append((low, low + stream.size))
        if low + stream.size <= first:
            continue
        now = float(seconds[low + stream.size - 1])
        windows = [
            _see(
                stream,
                features[a:b],
                answers[a:b],
                labels[a:b],
                rows["target"][a:b],
                seconds[a:b],
                known_at[a:b],
                now,
                seconds[a - 1],
            )
            for a, b in seen[-24:]
        ]
        yield low, diagnose(stream.known, windows, now=now)


def _see(
    stream: Stream,
    frame: pl.DataFrame,
    answers: Any,
    labels: Any,
    told: pl.Series,
    events: Any,
    known_at: Any,
    now: float,
    before: float,
) -> Seen:
    known = (known_at <= now) & np.isfinite(labels)
    told = pl.select(pl.when(pl.Series(known)).then(told).otherwise(None).alias("label")).to_series()
    waits = np.where(known, known_at - events[-1], np.nan)
    given = Given(frame, answers, labels, told, known, events, waits, float(events[-1]))
    return see(stream.known, given, float(before), min_labels=50)


@dataclass(frozen=True)
class Tried:
    """One planted fault: where its cause stood best, in which window after it began, with the column or not."""

    kind: str
    seed: int
    column: str
    strength: float
    named: bool
    with_column: bool
    first: bool
    late: int | None
    top: str
    form: str


def try_fault(stream: Stream, kind: str, seed: int) -> Tried:
    chance = np.random.default_rng([seed, KINDS.index(kind)])
    start = int(stream.rows.height * chance.uniform(0.55, 0.65))
    strength = STRENGTHS[kind][seed % len(STRENGTHS[kind])]
    if kind == "base_rate_change" and stream.task == "regression":
        strength /= 2.0
    column, rows = _choose_column(stream, kind, chance), stream.rows
    window = float(np.median(np.diff(rows["_seconds"].to_numpy()[:: stream.size])))
    late = np.random.default_rng(seed).exponential(0.5 * window, rows.height)
    if kind == "label_delay":
        late = late + strength * window * (np.arange(rows.height) >= start)
    else:
        fault = Fault(kind, start, 0, column, strength, "target", spared=("target", "_seconds"), seed=seed)
        rows = plant_fault(rows, fault).rows
        late = np.random.default_rng(seed).exponential(0.5 * window, rows.height)
    slow = kind in {"slow_drift", "season"}
    last = rows.height if slow else start + SOON * stream.size
    cause, best = EXPECTED[kind], (False, False, False, None, "", "")
    for place, (low, found) in enumerate(follow(stream, rows, late, start, last)):
        if not slow and place >= SOON:
            break
        places = [rank for rank, one in enumerate(found[:2]) if one.cause == cause]
        if not best[4]:
            best = (*best[:4], found[0].cause if found else "nothing", "")
        if places:
            one = found[places[0]]
            right = not column or column in one.columns
            if right:
                return Tried(kind, seed, column, strength, True, True, places[0] == 0, place, found[0].cause, one.form)
            best = (True, False, places[0] == 0, place, found[0].cause, one.form)
    return Tried(kind, seed, column, strength, *best)


def _choose_column(stream: Stream, kind: str, chance: np.random.Generator) -> str:
    rows = stream.rows.select(pl.exclude("target", "_seconds"))
    numbers = [
        one.name for one in rows.get_columns() if one.dtype.is_numeric() and one.n_unique() >= 10 and one.std() > 0
    ]
    words = [one.name for one in rows.get_columns() if not one.dtype.is_numeric()]
    timed = stream.rows["_seconds"].diff().drop_nulls().n_unique() > 1
    if kind in OF_NUMBERS:
        return str(chance.choice(numbers))
    if kind == "null_storm":
        return str(chance.choice([*numbers, *words]))
    if kind == "feed_stop" and (not timed or chance.random() < 0.5):
        return str(chance.choice([name for name in (*numbers, *words) if _varies(stream, name)]))
    return str(chance.choice(words)) if kind == "category_explosion" else ""


def _varies(stream: Stream, name: str) -> bool:
    """Whether no value holds over 80 % of a window: a column that stands still anyway cannot be seen to stop."""
    column = stream.rows[name][: round(0.55 * stream.rows.height)]
    return all(
        column[low : low + stream.size].value_counts(sort=True)["count"][0] <= 0.8 * stream.size
        for low in range(round(FIRST * stream.rows.height), len(column) - stream.size, stream.size)
    )


def measure_still(stream: Stream) -> dict[str, Any]:
    """Return how often each cause is named, first or second, in windows where nothing was planted."""
    window = float(np.median(np.diff(stream.rows["_seconds"].to_numpy()[:: stream.size])))
    late = np.random.default_rng(0).exponential(0.5 * window, stream.rows.height)
    start, named, windows = round(0.5 * stream.rows.height), Counter[str](), 0
    for _, found in follow(stream, stream.rows, late, start, stream.rows.height):
        windows += 1
        named.update({one.cause for one in found[:2]})
    return {"windows": windows, "named": dict(named)}


def synthetic() -> pl.DataFrame:
    """Return a world that stands still: three numbers, a whole number, two categories, and a class that follows from them."""
    chance, rows = np.random.default_rng(1), 20_000
    a, b, c = chance.normal(20.0, 5.0, rows), chance.lognormal(3.0, 0.6, rows), chance.gamma(2.0, 3.0, rows)
    count = chance.poisson(15.0, rows)
    kind, place = (
        chance.choice(list("ABCDEF"), rows, p=[0.4, 0.25, 0.15, 0.1, 0.06, 0.04]),
        chance.choice([f"town {n}" for n in range(30)], rows),
    )
    odds = 0.15 * (a - 20.0) - 0.5 * np.log(b / 20.0) + 0.5 * (kind == "B") + 0.05 * (count - 15.0) - 1.2
    label = np.where(chance.random(rows) < 1.0 / (1.0 + np.exp(-odds)), "yes", "no")
    seconds = np.cumsum(chance.exponential(60.0, rows))
    return pl.DataFrame(
        {
            "warmth": a.round(2),
            "price": b.round(2),
            "wait": c.round(3),
            "count": count,
            "kind": kind,
            "place": place,
            "target": label,
            "_seconds": seconds,
        }
    )


def flights() -> pl.DataFrame:
    table = next(one for one in TABLES if one.name == "flights")
    rows = read_table(table)
    return rows.with_columns(_seconds=(pl.col("day_of_year") * 86400.0 + pl.col("minute") * 60.0)).sort(
        "_seconds", maintain_order=True
    )[::6]


def bikes() -> pl.DataFrame:
    rows = read_table(next(one for one in TABLES if one.name == "bikes"))
    return rows.with_columns(_seconds=pl.col("day") * 86400.0 + pl.col("hr") * 3600.0)


def hotels() -> pl.DataFrame:
    return read_table(next(one for one in TABLES if one.name == "hotels")).with_columns(
        pl.col(pl.Categorical).cast(pl.String)
    )


def census() -> pl.DataFrame:
    return read_table(next(one for one in TABLES if one.name == "census"))[::8]


STREAMS: Mapping[str, tuple[str, Callable[[], pl.DataFrame]]] = {
    "synthetic": ("binary", synthetic),
    "flights": ("binary", flights),
    "bikes": ("regression", bikes),
    "census": ("binary", census),
}


def main() -> int:
    names = sys.argv[1:] or list(STREAMS)
    for name in names:
        started = time.process_time()
        task, read = STREAMS[name]
        stream = open_stream(name, task, read())
        print(name, stream.rows.height, stream.size, stream.known.features.rows, flush=True)
        print("  still", measure_still(stream), f"{time.process_time() - started:.1f}", flush=True)
        for kind in KINDS:
            try:
                tries = [try_fault(stream, kind, seed) for seed in range(SEEDS)]
            except Exception as error:
                print("  ", kind, repr(error))
                continue
            named = sum(one.named for one in tries)
            right = sum(one.with_column for one in tries)
            firsts = sum(one.first for one in tries)
            lates = sorted(one.late for one in tries if one.late is not None)
            print(
                f"  {kind:20} {named:3} {right:3} first {firsts} late {lates} misses {[(one.column, one.strength, one.top) for one in tries if not one.with_column]} {dict(Counter(one.form for one in tries))} {time.process_time() - started:.1f}",
                flush=True,
            )
    return 0


if __name__ == "__main__":
    sys.exit(main())
