"""`trimtab replay`."""

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from typing import Annotated

from cyclopts import Parameter

from trimtab import metrics
from trimtab.cli.options import HERE, AsJson, Folder
from trimtab.cli.output import progress, show
from trimtab.clock import parse
from trimtab.errors import UsageError
from trimtab.loop.replay import POLICIES, Batch, Line, Replay
from trimtab.loop.replay import replay as play
from trimtab.loop.state import Wheel, open_wheel

ACTIONS = {"retrains": "retrain", "promotions": "promote", "refusals": "refuse"}


def replay(
    folder: Folder = HERE,
    /,
    *,
    policies: Annotated[
        str, Parameter(help=f"Policies, with commas between them, of {', '.join(POLICIES)}.")
    ] = ",".join(POLICIES),
    batch: Annotated[str, Parameter(help="month, or a number of rows; else 1.5 % of the rows, at least 150.")] = "",
    start: Annotated[
        str, Parameter(help="Date (2013-03-01) or moment from which rows are answered; else after the first 10 %.")
    ] = "",
    as_json: AsJson = False,
) -> int:
    """Answer the project's own labelled history again, with a turned clock: how good would each policy have been?

    governed is the project's own triggers and gates, never keeps the first Version, always refits after every batch.
    Nothing of the project's record changes.
    """
    wanted = tuple(dict.fromkeys(name.strip() for name in policies.split(",") if name.strip()))
    if not wanted:
        raise UsageError("--policies names no policy.", hint=f"name some of {', '.join(POLICIES)}")
    size, begin = read_batch(batch), read_start(start)
    with progress(f"Replaying the history of {folder.resolve().name} ...") as tell:
        wheel = open_wheel(folder)
        replayed = play(wheel, policies=wanted, batch=size, start=begin, tell=tell)
    show(list(describe_replay(wheel, replayed)), list_facts(wheel, replayed), as_json=as_json)
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


def list_facts(wheel: Wheel, replayed: Replay) -> dict[str, object]:
    """Return a replay as one object for programs; `metric` is the one that `loss` holds."""
    name, lines = metric_of(wheel), replayed.lines
    return {
        "batches": len(replayed.batches),
        "rows": sum(batch.rows for batch in replayed.batches),
        "metric": name,
        "policies": {policy: {**_figures(line.overall, name), **_counts(line)} for policy, line in lines.items()},
        "by_batch": [_list_batch(place, batch, lines, name) for place, batch in enumerate(replayed.batches)],
    }


def metric_of(wheel: Wheel) -> str:
    """Return the metric that a project is measured by here: the loss of its task, whatever it chooses families by."""
    return metrics.default(wheel.contract.target.task).name


def _list_batch(place: int, batch: Batch, lines: Mapping[str, Line], name: str) -> dict[str, object]:
    policies = {
        policy: {**_figures(line.by_batch[place], name), "version": line.champions[place]}
        for policy, line in lines.items()
    }
    return {"batch": batch.name, "start": batch.start, "end": batch.end, "rows": batch.rows, "policies": policies}


def _figures(found: Mapping[str, float], name: str) -> dict[str, float | None]:
    return {"loss": found[name], "auc": found.get("roc_auc")}


def _counts(line: Line) -> dict[str, int]:
    return {plural: line.count(action) for plural, action in ACTIONS.items()}


def describe_replay(wheel: Wheel, replayed: Replay) -> Iterator[str]:
    """Yield the table of batches, a column for each policy, and the totals under it."""
    name, lines = metric_of(wheel), replayed.lines
    yield f"{name.replace('_', ' ')} of each batch (smaller is better), and the Version that answered:"
    form = f"{{:<{max(len(batch.name) for batch in replayed.batches)}}} {{:>7}}"
    yield form.format("batch", "rows") + "".join(f"{policy:>13}" for policy in lines)
    for place, batch in enumerate(replayed.batches):
        cells = (f"{line.by_batch[place][name]:>8.4f} {line.champions[place]:<4}" for line in lines.values())
        yield (form.format(batch.name, f"{batch.rows:,}") + "".join(cells)).rstrip()
    yield ""
    yield from (_total(policy, line, name) for policy, line in lines.items())


def _total(policy: str, line: Line, name: str) -> str:
    auc = f", AUC {line.overall['roc_auc']:.3f}" if "roc_auc" in line.overall else ""
    counts = ", ".join(f"{plural} {count}" for plural, count in _counts(line).items())
    return f"{policy}: {name.replace('_', ' ')} {line.overall[name]:.4f}{auc}; {counts}."
