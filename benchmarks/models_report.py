"""The tables of `benchmarks/models.py`, from the results that are kept."""

import math
import statistics
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from models_runs import PLAIN, Result
from models_sets import TABLES, Table
from scipy.stats import t as student

RIVALS = ("flaml", "autogluon")
COLUMNS = ("trimtab", *RIVALS, *PLAIN)
NEAR = {"log loss": 0.01, "RMSE": 0.02}
"""How far behind the better rival trimtab may be: in log loss, or as a share of the rival's RMSE."""


@dataclass(frozen=True, slots=True)
class Row:
    """One set: each column's mean over the samples that all tools have, and the mean paired difference to a rival.

    `lead` is trimtab less the better rival with the half-width of its 95 % interval; below zero is ahead.
    """

    table: Table
    samples: int
    means: Mapping[str, float]
    better: str
    lead: tuple[float, float]

    @property
    def near(self) -> bool:
        """Whether trimtab is ahead of, or as near to, the better rival as was asked."""
        room = NEAR[self.table.metric]
        return self.lead[0] <= (room if self.table.metric == "log loss" else room * self.means[self.better])

    @property
    def ahead(self) -> bool:
        """Whether trimtab is ahead of both rivals."""
        return self.lead[0] < 0.0

    @property
    def above_base(self) -> bool:
        """Whether trimtab is not behind the base rate."""
        return self.means["trimtab"] <= self.means["base rate"]


def latest(results: Sequence[Result]) -> dict[tuple[str, int, str], Result]:
    """Return the newest result of each set, sample and column."""
    return {(one["set"], one["sample"], one.get("name", one["tool"])): one for one in results}


def compare(results: Sequence[Result]) -> list[Row]:
    """Return a row for each set that every tool has answered at least twice."""
    found, rows = latest(results), []
    for table in TABLES:
        numbers = {number for name, number, _ in found if name == table.name}
        whole = sorted(one for one in numbers if all((table.name, one, column) in found for column in COLUMNS))
        if len(whole) < 2:
            continue
        scores = {column: [found[table.name, one, column]["score"] for one in whole] for column in COLUMNS}
        means = {column: statistics.mean(values) for column, values in scores.items()}
        better = min(RIVALS, key=means.__getitem__)
        gaps = [own - other for own, other in zip(scores["trimtab"], scores[better], strict=True)]
        rows.append(Row(table, len(whole), means, better, (statistics.mean(gaps), half_width(gaps))))
    return rows


def half_width(values: Sequence[float]) -> float:
    """Return the half-width of the 95 % interval of a mean (Student)."""
    return float(student.ppf(0.975, len(values) - 1)) * statistics.stdev(values) / math.sqrt(len(values))


def draw_quality(rows: Sequence[Row]) -> list[str]:
    """Return the lines of the table of quality."""
    lines = [
        f"| set, metric (n) | {' | '.join(COLUMNS)} | trimtab less the better rival | wanted |",
        f"|{'---|' * (len(COLUMNS) + 3)}",
    ]
    for row in rows:
        digits = 4 if row.table.metric == "log loss" else 2
        means = " | ".join(f"{row.means[column]:.{digits}f}" for column in COLUMNS)
        lead = f"{row.lead[0]:+.{digits}f} ± {row.lead[1]:.{digits}f} ({row.better})"
        told = "ahead" if row.ahead else "near enough" if row.near else "missed"
        lines.append(f"| {row.table.name}, {row.table.metric} ({row.samples}) | {means} | {lead} | {told} |")
    return lines


def judge_quality(rows: Sequence[Row]) -> list[tuple[str, str, str]]:
    """Return what was asked of all sets together: goal, measured, wanted."""
    count = len(rows)
    return [
        ("sets within .01 log loss or 2 % RMSE of the better rival", f"{sum(r.near for r in rows)} of {count}", "all"),
        ("sets ahead of both rivals", f"{sum(r.ahead for r in rows)} of {count}", "at least half"),
        ("sets not behind the base rate", f"{sum(r.above_base for r in rows)} of {count}", "all"),
    ]


def draw_chosen(results: Sequence[Result]) -> list[str]:
    """Return the lines of the table of the families that trimtab chose, the most frequent first."""
    lines = ["| set (n) | families chosen |", "|---|---|"]
    for table in TABLES:
        own = [one for (name, _, tool), one in latest(results).items() if (name, tool) == (table.name, "trimtab")]
        if own:
            told = ", ".join(f"{family} {many}" for family, many in Counter(one["chosen"] for one in own).most_common())
            lines.append(f"| {table.name} ({len(own)}) | {told} |")
    return lines


def draw_calibration(results: Sequence[Result]) -> list[str]:
    """Return the lines of the table of calibration errors on the later rows, before and after the map."""
    lines = ["| set (n) | before | after | maps chosen |", "|---|---|---|---|"]
    for table in TABLES:
        own = [one for (name, _, tool), one in latest(results).items() if (name, tool) == (table.name, "trimtab")]
        kept = [one for one in own if "ece_before" in one]
        if kept:
            before, after = (statistics.mean(one[f"ece_{when}"] for one in kept) for when in ("before", "after"))
            maps = ", ".join(sorted({one["calibration"] for one in kept}))
            lines.append(f"| {table.name} ({len(kept)}) | {before:.4f} | {after:.4f} | {maps} |")
    return lines


def draw_effort(results: Sequence[Result]) -> list[str]:
    """Return the lines of the table of time: how long the tools' processes took, and how much processor they got."""
    lines = ["| tool (runs) | median wall clock, s | median processor time, s |", "|---|---|---|"]
    for tool in ("trimtab", *RIVALS):
        own = [one for (_, _, column), one in latest(results).items() if column == tool]
        if own:
            wall, busy = (statistics.median(one[name] for one in own) for name in ("seconds", "busy"))
            lines.append(f"| {tool} ({len(own)}) | {wall:.0f} | {busy:.0f} |")
    return lines


def as_json(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """Return the rows as plain values."""
    return [
        {
            "set": row.table.name,
            "metric": row.table.metric,
            "samples": row.samples,
            "means": dict(row.means),
            "better_rival": row.better,
            "difference": row.lead[0],
            "half_width": row.lead[1],
            "near": row.near,
            "ahead": row.ahead,
        }
        for row in rows
    ]
