"""Why: explanations of what a Window shows, the likeliest first, each with its evidence in sentences.

A cause in the data outranks the shift that it makes: what it explains of a column is not counted again.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from trimtab.metrics.distance import Distance, measure_distance
from trimtab.metrics.figures import figure
from trimtab.monitor.data_causes import find_data_causes
from trimtab.monitor.drift import MATERIAL
from trimtab.monitor.label_causes import find_label_causes
from trimtab.monitor.seen import Known, Seen
from trimtab.monitor.steps import BREAK, Step, find_step, name_form
from trimtab.nouns import Hypothesis

HISTORY = 24
"""Windows that are looked back on, the newest included."""
SHARE = 0.9
"""A shift counts this much beside a cause that says why."""
NAMED = 5
"""Columns that a shift names, and says of how they moved."""


def diagnose(
    known: Known,
    windows: Sequence[Seen],
    *,
    now: float,
    quiet: float = 0.0,
    weights: Mapping[str, float] | None = None,
) -> tuple[Hypothesis, ...]:
    """Return what may explain the newest Window, the likeliest first; nothing where it looks like the others.

    `windows` oldest first, `now` in seconds, `quiet` the seconds since the last row; `weights` say how much of the
    answers hangs on each column (together 1); without them all count alike.
    """
    if not windows or not windows[-1].rows:
        return ()
    windows = windows[-HISTORY:]
    steps = {name: step for name in known.features.columns if (step := find_step(windows[-BREAK:], name)) is not None}
    causes = [*find_data_causes(windows, steps, quiet)]
    explained = {name for cause in causes for name in cause.columns}
    broken = max((cause.strength for cause in causes if cause.columns), default=0.0)
    causes += [_discount(cause, broken) for cause in find_label_causes(known, windows, now)]
    causes += _find_shift(known, windows, steps, explained, weights or {})
    return tuple(sorted(causes, key=lambda cause: -cause.strength))


def _discount(cause: Hypothesis, broken: float) -> Hypothesis:
    """Return a cause that labels show, weaker where columns are broken: then answers are wrong, not the world."""
    if cause.cause == "label_delay":
        return cause
    return replace(cause, strength=cause.strength * (1.0 - 0.5 * broken))


def _find_shift(
    known: Known,
    windows: Sequence[Seen],
    steps: Mapping[str, Step],
    explained: set[str],
    weights: Mapping[str, float],
) -> list[Hypothesis]:
    """Return the covariate shift: the columns that moved, those of weight first, and how they moved."""
    newest, chance = windows[-1], 1e-3 / max(len(known.features.columns), 1)
    moved: list[tuple[float, str, Distance]] = []
    for name, reference in known.features.columns.items():
        found = measure_distance(reference, newest.features.columns[name], chance=chance)
        if name not in explained and found.distance > max(MATERIAL, found.distance_floor):
            moved.append((found.distance * _weigh(name, weights, known), name, found))
    if not moved:
        return []
    moved.sort(key=lambda one: -one[0])
    recent = max((steps[name].gap for _, name, _ in moved if name in steps), default=0.0)
    named = [(name, found, _form(windows, known, name, steps.get(name))) for _, name, found in moved[:NAMED]]
    said = [_tell(name, found, steps.get(name), form) for name, found, form in named]
    if len(moved) > NAMED:
        said.append(f"{len(moved) - NAMED} more columns moved")
    strongest = max(found.distance for _, _, found in moved)
    names = tuple(name for _, name, _ in moved)
    return [
        replace(
            Hypothesis("covariate_shift", 0.0, tuple(said), names, named[0][2]),
            strength=SHARE * min(max(strongest, recent), 1.0),
        )
    ]


def _weigh(name: str, weights: Mapping[str, float], known: Known) -> float:
    return weights.get(name, 0.0) + 0.2 / max(len(known.features.columns), 1) if weights else 1.0


def _form(windows: Sequence[Seen], known: Known, name: str, step: Step | None) -> str:
    places = [measure_distance(known.features.columns[name], one.features.columns[name]).shift for one in windows]
    return name_form(places, step) if step else ""


_FORMS = {
    "step": "at once",
    "slow": "little by little",
    "season": "to and fro, as a season does",
    "": "since it was fitted",
}


def _tell(name: str, found: Distance, step: Step | None, form: str) -> str:
    way = "" if abs(found.shift) < 0.05 else ", higher" if found.shift > 0 else ", lower"
    when = f" ({step.ago} windows ago)" if step and form == "step" else ""
    distance = f"distance {figure(found.distance)}{way} (chance: {figure(found.distance_floor)})"
    return f"'{name}' moved {_FORMS[form]}{when}: {distance}"
