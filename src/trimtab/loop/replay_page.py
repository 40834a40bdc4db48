"""A replay as a page for people: what each policy would have lost and cost, in a minute."""

from collections.abc import Mapping, Sequence

import numpy as np

from trimtab.charts import Chart, Mark, line_chart
from trimtab.loop.comparison import Figures
from trimtab.loop.page import write_page
from trimtab.loop.replay import Event, Line, Replay
from trimtab.loop.state import Wheel
from trimtab.metrics.figures import count, figure
from trimtab.train.sheet import Block, Bullets, Heading, Picture, Table, Text, name

SMOOTH = 5
"""Batches that a point of the first chart is the mean of."""
MOST_LINES, MOST_EVENTS, MOST_MARKS = 6, 40, 12
WORDS = {
    "never": "the first Version, untouched",
    "always": "refitted after every batch on all rows, promoted without a question",
    "always:recent": "the same on the newest rows only",
    "switch": "the project's triggers, exactly one Version, replaced on evidence",
    "governed": "the project's own triggers, trim and gates",
}
MEANINGS = (
    "gain: what a policy saves against never, as a share of what refitting after every batch saves; above 1 is better",
    "harmful: share of promotions after which five batches lost over 1 % more than without it, beyond chance",
    "worst rise: the most that five batches lost on top of what they would have lost without the promotion before them",
    "looks back: share of batches that lost over 2 % more, beyond chance, than under what answered five batches ago",
    "cost: what wrong decisions cost by [cost], and retrains by per_retrain",
)


def write_report(wheel: Wheel, found: Sequence[Replay], figures: Mapping[str, Figures], metric: str) -> str:
    """Return the page; it is one file that loads nothing."""
    first = found[0]
    lines = {policy: first.lines[policy] for policy in figures}
    rows = sum(batch.rows for batch in first.batches)
    offsets = f", means over {len(found)} start offsets" if len(found) > 1 else ""
    told = f"{count(rows, 'row')} in {count(len(first.batches), 'batch')}, answered as they came{offsets}."
    best = min(figures, key=lambda policy: figures[policy]["loss"] or 0.0)
    blocks: list[Block] = [
        Heading(f"What each policy would have answered: {wheel.project.name}", 1),
        Text(f"{told} {_tell_best(best, figures, metric)}"),
        _table(figures),
        Bullets(tuple(f"{name(policy)}: {tell_policy(policy)}" for policy in figures)),
        *_draw(lines, metric),
        *_tell_events(lines),
        Heading("What the words mean", 2),
        Bullets(MEANINGS),
    ]
    moment = f"{first.batches[0].start:%Y-%m-%d} to {first.batches[-1].end:%Y-%m-%d}"
    span = moment if wheel.contract.row.order == "event_time" else "in the order of the file"
    return write_page(blocks, footer=f"A replay of {wheel.project.name}, {span}, by trimtab.")


HEADER = (
    *("policy", "loss", "gain", "retrains", "fits", "promotions", "refusals"),
    *("harmful", "worst rise", "looks back", "alarms", "cost"),
)


def _table(figures: Mapping[str, Figures]) -> Table:
    """Return all figures; how often intervals held the truth only where there are intervals."""
    rows = [_row(policy, own) for policy, own in figures.items()]
    if all(own["coverage"] is None for own in figures.values()):
        return Table(HEADER, tuple(rows))
    held = [_percent(own["coverage"]) for own in figures.values()]
    return Table((*HEADER, "intervals held"), tuple((*row, share) for row, share in zip(rows, held, strict=True)))


def _row(policy: str, own: Figures) -> tuple[str, ...]:
    plain = [_number(own[key]) for key in ("loss", "gain", "retrains", "fits", "promotions", "refusals")]
    shares = [_percent(own[key]) for key in ("harm_material", "worst_rise", "look_back")]
    return (name(policy), *plain, *shares, _number(own["alarms"]), _number(own["cost"]))


def _number(value: float | None) -> str:
    return "-" if value is None else figure(value)


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{100.0 * value:.1f} %"


def tell_policy(policy: str) -> str:
    """Return what a policy does, in words.

    >>> tell_policy("every:5")
    'refitted after every 5 batches, promoted without a question'
    """
    kind, _, step = policy.partition(":")
    return f"refitted after every {step} batches, promoted without a question" if kind == "every" else WORDS[policy]


def _tell_best(best: str, figures: Mapping[str, Figures], metric: str) -> str:
    """Return the policy that lost least, and how the project's own one stands beside it."""
    loss = {policy: own["loss"] or 0.0 for policy, own in figures.items()}
    told = f"{name(best)} lost least ({metric.replace('_', ' ')} {figure(loss[best])})"
    if best != "governed" and "governed" in figures:
        more = loss["governed"] / loss[best] - 1.0 if loss[best] else 0.0
        told += f"; {name('governed')} lost {100.0 * more:.1f} % more"
    if "governed" in figures:
        told += f", with {_number(figures['governed']['retrains'])} retrains"
        told += f" against {_number(figures[best]['retrains'])}" if best != "governed" else ""
    return f"{told}."


def _draw(lines: Mapping[str, Line], metric: str) -> list[Block]:
    """Return the charts: the loss batch by batch, and what was saved against never so far."""
    # never comes last, so that the others keep their colours in the second chart, where it is the zero line.
    shown = dict(sorted(lines.items(), key=lambda line: line[0] == "never")[:MOST_LINES])
    said = metric.replace("_", " ")
    losses = {policy: _smooth(line, metric) for policy, line in shown.items()}
    found: list[Block] = [
        Heading("Batch by batch", 2),
        Picture(_chart(losses, f"{said}, mean of {SMOOTH} batches", lines), f"{said} of each policy, batch by batch"),
    ]
    never = lines.get("never")
    if never is not None:
        saved = {policy: _saved(line, never) for policy, line in shown.items() if policy != "never"}
        if saved:
            title = "loss saved against never so far, in percent"
            found.append(
                Picture(_chart(saved, title, lines), "what each policy has saved against never, batch by batch")
            )
    return found


def _chart(series: Mapping[str, Sequence[float]], title: str, lines: Mapping[str, Line]) -> Chart:
    points = {policy: list(enumerate(values, start=1)) for policy, values in series.items()}
    own = next((lines[policy] for policy in ("governed", "switch") if policy in lines), None)
    promoted = [event for event in own.events if event.action == "promote"] if own else []
    marks = [Mark(event.batch + 1, event.version) for event in promoted[:MOST_MARKS]]
    return line_chart(points, title=title, x_title="batch", y_title=title.partition(",")[0], marks=marks)


def _smooth(line: Line, metric: str) -> list[float]:
    values = np.array([batch[metric] for batch in line.by_batch])
    return [float(np.nanmean(values[max(0, end - SMOOTH) : end])) for end in range(1, len(values) + 1)]


def _saved(line: Line, never: Line) -> list[float]:
    base = np.cumsum([float(one.sum()) for one in never.lost])
    own = np.cumsum([float(one.sum()) for one in line.lost])
    return [float(100.0 * (1.0 - mine / theirs)) if theirs else 0.0 for mine, theirs in zip(own, base, strict=True)]


def _tell_events(lines: Mapping[str, Line]) -> list[Block]:
    """Return what the project's own policy decided, the first reason of each."""
    own = next((policy for policy in ("governed", "switch") if policy in lines), "")
    events = [event for event in lines[own].events if event.action != "retrain"] if own else []
    if not events:
        return []
    rows = tuple(_tell_event(event) for event in events[:MOST_EVENTS])
    rest = [Text(f"{len(events) - MOST_EVENTS} more are in the output of --json.")] if len(events) > MOST_EVENTS else []
    return [Heading(f"What {name(own)} noticed and decided", 2), Table(("batch", "what", "which", "why"), rows), *rest]


def _tell_event(event: Event) -> tuple[str, ...]:
    why = event.reasons[0] if event.reasons else ""
    return str(event.batch + 1), event.action.replace("_", " "), event.version, why
