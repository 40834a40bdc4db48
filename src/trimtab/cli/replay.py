"""`trimtab replay`."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from math import nan
from statistics import fmean
from typing import Annotated

from cyclopts import Parameter

from trimtab import metrics
from trimtab.cli.options import HERE, AsJson, Folder
from trimtab.cli.output import progress, show
from trimtab.clock import parse
from trimtab.errors import UsageError
from trimtab.loop.history import Batch
from trimtab.loop.replay import KNOWN, POLICIES, Line, Replay
from trimtab.loop.replay import replay as play
from trimtab.loop.state import Wheel, open_wheel

ACTIONS = {"retrains": "retrain", "promotions": "promote", "refusals": "refuse", "rollbacks": "roll_back"}
REFERENCES = ("never", "always", "always:recent")
"""What `gain` is measured against; played also where nobody asks for them."""
MOST_OFFSET = 100


def replay(
    folder: Folder = HERE,
    /,
    *,
    policies: Annotated[
        str, Parameter(help=f"Policies, with commas between them, of {', '.join(KNOWN[:-1])}, every:K.")
    ] = ",".join(POLICIES),
    batch: Annotated[str, Parameter(help="month, or a number of rows; else 1.5 % of the rows, at least 150.")] = "",
    start: Annotated[
        str, Parameter(help="Date (2013-03-01) or moment from which rows are answered; else after the first 10 %.")
    ] = "",
    label_delay: Annotated[
        int | None, Parameter(help="Batches until labels are known; 0: as on record. Default 1, by month 0.")
    ] = None,
    start_offsets: Annotated[
        str, Parameter(help="Batches by which the first retrain is brought forward, with commas: means over them.")
    ] = "0",
    shuffle: Annotated[int | None, Parameter(help="Seed to shuffle the rows by: a stream that stands still.")] = None,
    as_json: AsJson = False,
) -> int:
    """Answer the project's own labelled history again, with a turned clock: how good would each policy have been?

    governed is the project's own triggers, trim and gates; switch keeps exactly one Version; never keeps the first,
    always refits after every batch, every:K after every K-th. Nothing of the project's record changes.
    """
    wanted = tuple(dict.fromkeys(name.strip() for name in policies.split(",") if name.strip()))
    if not wanted:
        raise UsageError("--policies names no policy.", hint=f"name some of {', '.join(KNOWN)}")
    size, begin, offsets = read_batch(batch), read_start(start), read_offsets(start_offsets)
    delay = _read_delay(label_delay, by_month=size == "month")
    played = wanted if size == "month" else tuple(dict.fromkeys((*wanted, *REFERENCES)))
    with progress(f"Replaying the history of {folder.resolve().name} ...") as tell:
        wheel = open_wheel(folder)
        found = [
            play(
                wheel,
                policies=played if place == 0 else [name for name in wanted if name not in REFERENCES],
                batch=size,
                start=begin,
                label_delay=delay,
                offset=offset,
                shuffle=shuffle,
                tell=tell,
            )
            for place, offset in enumerate(offsets)
        ]
    facts = list_facts(wheel, found, wanted)
    show(list(describe_replay(wheel, found, wanted)), facts, as_json=as_json)
    return 0


def read_batch(text: str) -> str | int:
    """Return "month", a number of rows, or 0 for the default."""
    if text in {"", "month"}:
        return text or 0
    if not text.isdecimal() or not int(text):
        raise UsageError(f"--batch {text} is neither 'month' nor a number of rows.", hint="--batch month")
    return int(text)


def read_start(text: str) -> datetime | None:
    """Return a moment, UTC, from a date or a time with its zone; None for the default."""
    if not text:
        return None
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return parse(text)
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def read_offsets(text: str) -> tuple[int, ...]:
    """Return the offsets of "0,1,2", each once."""
    words = [word.strip() for word in text.split(",")]
    if not all(word.isdecimal() and int(word) <= MOST_OFFSET for word in words):
        hint = f"--start-offsets 0,1,2,3: whole numbers of batches, at most {MOST_OFFSET}"
        raise UsageError(f"--start-offsets {text[:40]} cannot be read.", hint=hint)
    return tuple(dict.fromkeys(map(int, words)))


def _read_delay(delay: int | None, *, by_month: bool) -> int:
    if delay is not None and delay < 0:
        raise UsageError(
            f"--label-delay {delay} lies in the future.", hint="1: known when the batch ends; 0: on record"
        )
    if delay and by_month:
        raise UsageError("--label-delay needs batches of rows.", hint="leave out --batch month")
    return (0 if by_month else 1) if delay is None else delay


def list_facts(wheel: Wheel, found: Sequence[Replay], wanted: Sequence[str]) -> dict[str, object]:
    """Return replays, one for each offset, as one object for programs; `metric` is the one that `loss` holds."""
    name, first = metric_of(wheel), found[0]
    measures = {policy: _figures(first.lines[policy].overall, name) for policy in REFERENCES if policy in first.lines}
    return {
        "batches": len(first.batches),
        "rows": sum(batch.rows for batch in first.batches),
        "metric": name,
        "policies": {policy: _summarise(policy, found, name) for policy in wanted},
        **({"references": measures} if len(measures) == len(REFERENCES) else {}),
        "by_batch": [_list_batch(place, batch, first.lines, name, wanted) for place, batch in enumerate(first.batches)],
    }


def metric_of(wheel: Wheel) -> str:
    """Return the metric that a project is measured by here: the loss of its task, whatever it chooses families by."""
    return metrics.default(wheel.contract.target.task).name


def _summarise(policy: str, found: Sequence[Replay], name: str) -> dict[str, object]:
    """Return a policy's figures, means over the offsets that it was played with."""
    lines = [one.lines[policy] for one in found if policy in one.lines]
    numbers = [
        {**_figures(line.overall, name), **_gains(line, found[0].lines, name), **_counts(line)} for line in lines
    ]
    return {key: _mean([one[key] for one in numbers]) for key in numbers[0]}


def _mean(values: Sequence[float | int | None]) -> float | int | None:
    known = [value for value in values if value is not None]
    if len(known) < len(values):
        return None
    return known[0] if len(known) == 1 else fmean(known)


def _gains(line: Line, lines: Mapping[str, Line], name: str) -> dict[str, float | None]:
    """Return which share of what always refitting saves against never a policy saves, in loss and in accuracy."""
    if not set(REFERENCES) <= lines.keys():
        return {}
    gain = _gain(line, lines, name, min)
    return {"gain": gain, "accuracy_gain": _gain(line, lines, "accuracy", max) if "accuracy" in line.overall else None}


def _gain(line: Line, lines: Mapping[str, Line], name: str, best: Callable[[Iterable[float]], float]) -> float | None:
    base = lines["never"].overall[name]
    span = base - best(lines[one].overall[name] for one in REFERENCES[1:])
    return (base - line.overall[name]) / span if span else None


def _list_batch(
    place: int, batch: Batch, lines: Mapping[str, Line], name: str, wanted: Sequence[str]
) -> dict[str, object]:
    policies = {
        policy: {**_figures(lines[policy].by_batch[place], name), "version": lines[policy].champions[place]}
        for policy in wanted
    }
    return {"batch": batch.name, "start": batch.start, "end": batch.end, "rows": batch.rows, "policies": policies}


def _figures(found: Mapping[str, float], name: str) -> dict[str, float | None]:
    return {"loss": found[name], "auc": found.get("roc_auc")}


def _counts(line: Line) -> dict[str, float | None]:
    counts = {plural: line.count(action) for plural, action in ACTIONS.items()}
    alarms = sum(one.action == "retrain" and one.by == "trigger:risk" for one in line.decisions)
    return {**counts, "trims": line.count("trim"), "alarms": alarms, "fits": line.fits}


def describe_replay(wheel: Wheel, found: Sequence[Replay], wanted: Sequence[str]) -> Iterator[str]:
    """Yield the table of batches, a column for each policy, and the totals under it."""
    name, lines = metric_of(wheel), {policy: found[0].lines[policy] for policy in wanted}
    batches = found[0].batches
    yield f"{name.replace('_', ' ')} of each batch (smaller is better), and the Version that answered:"
    form = f"{{:<{max(len(batch.name) for batch in batches)}}} {{:>7}}"
    yield form.format("batch", "rows") + "".join(f"{policy:>13}" for policy in lines)
    for place, batch in enumerate(batches):
        cells = (f"{line.by_batch[place][name]:>8.4f} {line.champions[place]:<4}" for line in lines.values())
        yield (form.format(batch.name, f"{batch.rows:,}") + "".join(cells)).rstrip()
    yield ""
    yield from (_total(policy, _summarise(policy, found, name), name) for policy in wanted)


def _total(policy: str, figures: Mapping[str, object], name: str) -> str:
    def number(key: str) -> float:
        value = figures.get(key)
        return float(value) if isinstance(value, (int, float)) else nan

    auc = f", AUC {number('auc'):.3f}" if figures["auc"] is not None else ""
    gain = f", gain {number('gain'):.3f}" if figures.get("gain") is not None else ""
    counts = ", ".join(f"{plural} {number(plural):g}" for plural in (*ACTIONS, "fits"))
    return f"{policy}: {name.replace('_', ' ')} {number('loss'):.4f}{auc}{gain}; {counts}."
