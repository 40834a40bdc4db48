"""Causes that lie in the data: another unit, nulls, new categories, a feed that stopped or came twice.

Each looks for a break: the newest Windows against those before it. What has lasted for many Windows is no break any
more: it is what the world is like now.
"""

from collections.abc import Iterator, Mapping, Sequence
from math import sqrt

import numpy as np

from trimtab.metrics.figures import figure
from trimtab.metrics.profile import ColumnProfile
from trimtab.monitor.seen import Seen
from trimtab.monitor.steps import BREAK, Step, find_step
from trimtab.monitor.units import find_unit
from trimtab.nouns import Hypothesis

LEAST_GAP = 0.2
"""A column that moved by less has no other unit."""
EXPLAINED, LEFT, LEFT_LARGE = 0.6, 0.12, 0.5
"""Share of the distance that undoing another unit must take away; what may be left of it, and where it is large."""
UNUSUAL = 1.5
"""A jump this much larger than any before it."""
ABRUPT = 0.5
"""Share of the move that another unit makes from one Window to the next."""
DIFFERENT = 10
"""A unit is told from as many different numbers at least."""
LEAST_NULLS, ALL_NULLS = 0.1, 0.4
LEAST_FRESH, ALL_FRESH, FRESH_VALUES = 0.05, 0.25, 10
MOVING = 0.8
LEAST_REPEATED, ALL_REPEATED = 0.08, 0.3
LONGER, LOST = 3.0, 20.0
SURE = 4.0
"""Standard errors that a share must have risen by."""


def find_data_causes(windows: Sequence[Seen], steps: Mapping[str, Step], quiet: float) -> Iterator[Hypothesis]:
    """Yield what the data of the newest Window show, `windows` oldest first; `quiet` are seconds since the last row."""
    if len(windows) < 2:
        return
    yield from _find_units(windows[-1], steps)
    yield from _find_nulls(windows, steps)
    yield from _find_fresh(windows, steps)
    yield from _find_frozen(windows, steps)
    yield from _find_pause(windows, quiet)
    yield from _find_repeats(windows)


def _find_units(newest: Seen, steps: Mapping[str, Step]) -> Iterator[Hypothesis]:
    for name, step in steps.items():
        sample = newest.samples.get(name)
        if sample is None or np.unique(sample).size < DIFFERENT or step.gap < LEAST_GAP or step.abrupt < ABRUPT:
            continue
        unit = find_unit(step.sample, sample)
        if unit is None or unit.distance < LEAST_GAP:
            continue
        explains = unit.explained > EXPLAINED and unit.left < max(LEFT, step.usual) and step.jump > UNUSUAL * step.usual
        if not explains and not (unit.is_large and unit.left < LEFT_LARGE):
            continue
        undone = f"divided by {figure(unit.factor)}" if unit.factor > 1.0 else f"times {figure(1.0 / unit.factor)}"
        undone = f"less {figure(unit.shift)} and {undone}" if unit.shift else undone
        named = f", as between {unit.name}" if unit.name else ""
        moved = f"'{name}' moved by {figure(unit.distance)} {_since(step)}"
        said = f"{moved}; {undone} it is {figure(unit.left)} away from what it was{named}"
        strength = 1.0 if unit.is_large else unit.explained
        yield Hypothesis("unit_change", strength * step.abrupt, (said,), (name,), helps="neither")


def _find_nulls(windows: Sequence[Seen], steps: Mapping[str, Step]) -> Iterator[Hypothesis]:
    newest, found = windows[-1], []
    for name in steps:
        step = find_step(windows[-BREAK:], name, nulls=True)
        if step is None:
            continue
        share, usual = newest.features.columns[name].null_share, step.before.null_share
        most = max(one.features.columns[name].null_share for one in windows[: -step.ago])
        sure = SURE * _error(usual, step.before.rows, newest.rows)
        if share - usual > sure and share - most > LEAST_NULLS:
            said = f"'{name}' is null in {share:.0%} of the rows {_since(step)}, it was in {usual:.0%}"
            found.append((share - usual, name, said))
    if found:
        found.sort(key=lambda one: -one[0])
        strength = min(found[0][0] / ALL_NULLS, 1.0)
        told = tuple(said for _, _, said in found)
        yield Hypothesis("null_storm", strength, told, tuple(name for _, name, _ in found), helps="neither")


def _find_fresh(windows: Sequence[Seen], steps: Mapping[str, Step]) -> Iterator[Hypothesis]:
    newest = windows[-1]
    for name, values in newest.fresh.items():
        if name not in steps:
            continue
        older = windows[: -steps[name].ago]
        share, usual = newest.features.columns[name].unlisted_share, steps[name].before.unlisted_share
        before = max(one.fresh.get(name, 0) for one in older) if older else 0
        if share < LEAST_FRESH or values < max(FRESH_VALUES, 3 * before):
            continue
        said = (
            f"'{name}' has {values:,} different values that were not fitted, in {share:.0%} of the rows; before "
            f"there were {before:,} at most, in {usual:.0%}"
        )
        strength = min(max(share - usual, values / newest.rows) / ALL_FRESH, 1.0)
        yield Hypothesis("category_explosion", strength, (said,), (name,), helps="neither")


def _find_frozen(windows: Sequence[Seen], steps: Mapping[str, Step]) -> Iterator[Hypothesis]:
    found = []
    for name, step in steps.items():
        newest, older = windows[-1].features.columns[name], windows[: -step.ago]
        usual = max((_commonest(one.features.columns[name]) for one in older), default=1.0)
        if newest.known > newest.nulls and newest.is_constant and usual <= MOVING:
            said = f"'{name}' stands still {_since(step)}: one value in every row, where the commonest had {usual:.0%}"
            found.append((usual, name, said))
    if found:
        found.sort(key=lambda one: one[0])
        told = tuple(said for _, _, said in found)
        yield Hypothesis("feed_stopped", 1.0, told, tuple(name for _, name, _ in found), helps="neither")


def _commonest(profile: ColumnProfile) -> float:
    return float(profile.counts.max()) / profile.known if profile.known else 1.0


def _find_pause(windows: Sequence[Seen], quiet: float) -> Iterator[Hypothesis]:
    newest, before = windows[-1], windows[:-1]
    seconds = sum(one.seconds for one in before)
    usual, rate = max(one.pause for one in before), sum(one.rows for one in before) / seconds if seconds else 0.0
    pause, said = max((newest.pause, "no row came for"), (quiet, "no row has come for"))
    missing = pause * rate
    if seconds > pause > LONGER * usual and missing > LOST:
        told = f"{said} {_span(pause)}, in which {missing:,.0f} usually come; the longest wait was {_span(usual)}"
        yield Hypothesis("feed_stopped", min(0.5 + missing / newest.rows, 1.0), (told,), helps="neither")


def _find_repeats(windows: Sequence[Seen]) -> Iterator[Hypothesis]:
    newest, before = windows[-1], sorted(one.repeated for one in windows[:-1])
    usual = before[len(before) // 2]
    rise, varies = newest.repeated - usual, before[(3 * len(before)) // 4] - usual
    if rise > max(LEAST_REPEATED, SURE * _error(usual, newest.rows, newest.rows), 2.0 * varies):
        said = f"{newest.repeated:.0%} of the rows are equal to an earlier one in every column, it was {usual:.0%}"
        yield Hypothesis("duplicate_feed", min(rise / ALL_REPEATED, 1.0), (said,), helps="neither")


def _error(share: float, first: int, second: int) -> float:
    """Return the standard error of a difference of shares."""
    held = min(max(share, 0.01), 0.99)
    return sqrt(held * (1.0 - held) * (1.0 / max(first, 1) + 1.0 / max(second, 1)))


def _since(step: Step) -> str:
    return "since the newest window" if step.ago == 1 else f"since {step.ago} windows"


def _span(seconds: float) -> str:
    for size, name in ((86400.0, "days"), (3600.0, "hours"), (60.0, "minutes")):
        if seconds >= 2.0 * size:
            return f"{figure(seconds / size)} {name}"
    return f"{figure(seconds)} seconds"
