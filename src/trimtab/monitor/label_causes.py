"""Causes that only labels show: they follow from the answers otherwise, are more or fewer of a kind, or come late.

A line is drawn through the labels of each Window: log-odds of the label = slope x log-odds of the answer + shift (for
numbers: label = slope x answer + shift). Where the mix of labels changed but each kind of label still gets the answers
it used to get, the shift moves and the slope stays: another base rate. Where answers tell less of labels, the slope
falls: concept drift. Where only the rows changed, both stay: a covariate shift.
"""

from collections.abc import Iterator, Sequence
from math import hypot

import numpy as np

from trimtab.metrics.bins import ValueBins
from trimtab.metrics.distance import Distance, measure_distance
from trimtab.metrics.figures import figure
from trimtab.metrics.profile import ColumnProfile
from trimtab.monitor.seen import Known, Line, Seen, measure_excess, pool_lines
from trimtab.monitor.steps import merge_all
from trimtab.nouns import Hypothesis

SURE = 3.3
"""Standard errors that slope or shift must have moved by."""
TOGETHER = 4
"""Newest labelled Windows that are taken together at most, where that shows more."""
FELL, MOVED = 0.25, 0.25
"""A slope that fell by less than this share, and a shift by less, in log-odds or spreads, matter little."""
LATE, LATE_ROWS = 0.3, 30
WATCHED = 4
"""Newest Windows whose labels are counted against those of older ones at the same age."""


def find_label_causes(known: Known, windows: Sequence[Seen], now: float) -> Iterator[Hypothesis]:
    """Yield what the labels of the newest labelled Windows show against earlier ones; `now` in seconds."""
    yield from _find_delay(windows, now)
    told = [one for one in windows if one.line is not None]
    if len(told) < 2:
        return
    pairs = [_pair(told, size) for size in range(1, min(TOGETHER, len(told) - 1) + 1)]
    newest, before, line, usual = max(pairs, key=_surprise)
    fall = _share_of_fall(known, line, usual)
    yield from _find_concept(known, line, usual, fall)
    yield from _find_base_rate(known, (before, newest), (line, usual), fall)


_Pair = tuple[ColumnProfile, ColumnProfile, Line, Line]


def _pair(told: Sequence[Seen], size: int) -> _Pair:
    """Return labels and line of the newest so many Windows, and those of the Windows before."""
    parts = told[-size:], told[:-size]
    newest, before = (merge_all([one.answers.columns["label"] for one in part]) for part in parts)
    lines = [[one.line for one in part if one.line is not None] for part in parts]
    excess = measure_excess(lines[1])
    return newest, before, pool_lines(lines[0], excess), pool_lines(lines[1], excess)


def _surprise(pair: _Pair) -> float:
    """Return by how many standard errors slope or shift moved, whichever moved more."""
    _, _, line, usual = pair
    slope = abs(line.slope - usual.slope) / hypot(line.slope_error, usual.slope_error)
    return max(slope, abs(line.shift - usual.shift) / hypot(line.shift_error, usual.shift_error))


def _share_of_fall(known: Known, line: Line, usual: Line) -> float:
    """Return by which share of itself the slope changed; 0 where chance may have done it."""
    change = line.slope - usual.slope
    sure = abs(change) > SURE * hypot(line.slope_error, usual.slope_error)
    fall = abs(change) / max(abs(usual.slope), 0.3) if sure else 0.0
    if known.task == "regression" and line.spread > 1.3 * usual.spread:
        fall = max(fall, line.spread / usual.spread - 1.0)
    return fall


def _find_concept(known: Known, line: Line, usual: Line, fall: float) -> Iterator[Hypothesis]:
    if fall < FELL:
        return
    unit = "answer" if known.task == "regression" else "log-odds of the answer"
    tell = "less" if line.slope < usual.slope else "otherwise"
    error = figure(hypot(line.slope_error, usual.slope_error))
    slopes = f"slope {figure(line.slope)}, it was {figure(usual.slope)} (error {error})"
    said = [f"labels follow the {unit} with {slopes}: the answers tell {tell} of them than they did"]
    if line.slope < 0.0:
        said.append("the slope is negative: labels may be exchanged")
    if known.task == "regression" and line.spread > 1.3 * usual.spread:
        said.append(f"around that line labels spread by {figure(line.spread)}, it was {figure(usual.spread)}")
    yield Hypothesis("concept_drift", min(fall / (2.0 * FELL), 1.0), tuple(said), helps="retrain")


def _find_base_rate(
    known: Known, labels: tuple[ColumnProfile, ColumnProfile], lines: tuple[Line, Line], fall: float
) -> Iterator[Hypothesis]:
    line, usual = lines
    mix = measure_distance(*labels)
    change, error = line.shift - usual.shift, hypot(line.shift_error, usual.shift_error)
    moved = abs(change) / (max(usual.spread, 1e-12) if known.task == "regression" else 1.0)
    if known.task == "multiclass":
        change, error, moved = mix.distance, mix.distance_floor / SURE, 2.0 * mix.distance
    if abs(change) < SURE * error or moved < MOVED:
        return
    stays = 1.0 - min(fall, 1.0)
    said = [_tell_mix(*labels, mix)]
    if known.task != "multiclass":
        told = "labels" if known.task == "regression" else "log-odds of labels"
        said.append(
            f"at the same answer the {told} stand {figure(abs(change))} {'higher' if change > 0 else 'lower'} "
            f"(error {figure(error)}); the slope {'stays' if stays > 0.75 else 'moved too'}"
        )
    yield Hypothesis("base_rate_change", min(moved / (2.0 * MOVED), 1.0) * stays, tuple(said), helps="trim")


def _tell_mix(old: ColumnProfile, new: ColumnProfile, mix: Distance) -> str:
    if not isinstance(old.bins, ValueBins):
        way = "higher" if mix.shift > 0 else "lower"
        return f"labels are {way}: their distribution moved by {figure(mix.distance)}"
    shares = [_shares(one) for one in (old, new)]
    place = int(np.argmax(np.abs(shares[1] - shares[0])))
    name = f"'{old.bins.values[place]}'" if place < len(old.bins.values) else "other values"
    return f"{name} is {shares[1][place]:.1%} of the labels, it was {shares[0][place]:.1%}"


def _shares(profile: ColumnProfile) -> np.ndarray:
    shares: np.ndarray = profile.counts / max(profile.known, 1)
    return shares


def _find_delay(windows: Sequence[Seen], now: float) -> Iterator[Hypothesis]:
    """Yield where labels of the newest Windows are missing that older ones had at the same age."""
    newest, older = windows[-WATCHED:], windows[:-WATCHED]
    if len(older) < 2:
        return
    due = sum(one.rows * _usual_coverage(older, now - one.end) for one in newest)
    came = sum(one.rows * one.coverage(now - one.end) for one in newest)
    missing = 1.0 - came / due if due else 0.0
    if due >= LATE_ROWS and missing >= LATE:
        said = (
            f"of the labels of the newest {len(newest)} windows {came:,.0f} have come; of older windows at their age "
            f"{due:,.0f} had, so {missing:.0%} are late"
        )
        yield Hypothesis("label_delay", min(missing / 0.5, 1.0), (said,), helps="neither")


def _usual_coverage(older: Sequence[Seen], age: float) -> float:
    return float(np.median([one.coverage(age) for one in older]))
