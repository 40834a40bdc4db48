"""`trimtab replay`."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from trimtab import clock, metrics
from trimtab.cli.options import HERE, AsJson, Folder
from trimtab.cli.output import progress, show
from trimtab.errors import UsageError
from trimtab.loop.comparison import ACTIONS, REFERENCES, Figures, compare
from trimtab.loop.history import open_past
from trimtab.loop.policies import KNOWN, POLICIES
from trimtab.loop.replay import Replay
from trimtab.loop.replay import replay as play
from trimtab.loop.replay_page import write_report
from trimtab.loop.state import Wheel
from trimtab.metrics.figures import count, figure

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
    data: Annotated[
        Path | None, Parameter(help="File of labelled rows to replay in place of the project's own; kept nowhere.")
    ] = None,
    report: Annotated[Path | None, Parameter(help="Write a page for people, one HTML file, to this path.")] = None,
    as_json: AsJson = False,
) -> int:
    """Answer labelled history again, with a turned clock: how good would each policy have been?

    governed is the project's own triggers, trim and gates; switch keeps exactly one Version; never keeps the first,
    always refits after every batch, every:K after every K-th. Nothing that answers changes. A project that was only
    made (`init`) reads its sources first.
    """
    wanted = tuple(dict.fromkeys(name.strip() for name in policies.split(",") if name.strip()))
    if not wanted:
        raise UsageError("--policies names no policy.", hint=f"name some of {', '.join(KNOWN)}")
    size, begin, offsets = read_batch(batch), read_start(start), read_offsets(start_offsets)
    delay = _read_delay(label_delay, by_month=size == "month")
    _refuse_report(report)
    played = wanted if size == "month" else tuple(dict.fromkeys((*wanted, *REFERENCES)))
    began = clock.monotonic_ns()
    with (
        progress(f"Replaying the history of {folder.resolve().name} ...") as tell,
        open_past(folder, data, tell=tell) as wheel,
    ):
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
        tell(tell_time(wheel, (clock.monotonic_ns() - began) / 1e9))
        name = metric_of(wheel)
        figures = compare(found, wanted, name, per_retrain=wheel.project.retrain.cost)
        told = list(describe_replay(found, figures, name))
        if report is not None:
            report.write_text(write_report(wheel, found, figures, name), encoding="utf-8")
            told.append(f"The page for people: {report}")
    show(told, list_facts(found, offsets, figures, name), as_json=as_json)
    return 0


def _refuse_report(report: Path | None) -> None:
    if report is not None and (report.is_dir() or not report.absolute().parent.is_dir()):
        raise UsageError(
            f"--report {report} cannot be written.", hint="give the path of a file in a folder that exists"
        )


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
        return clock.parse(text)
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


def tell_time(wheel: Wheel, seconds: float) -> str:
    """Return what a replay took, beside its fits, each done once for all policies."""
    fits = sum(one.seconds for one in wheel.fits.values())
    times = f", {seconds / fits:.1f} times as long" if fits else ""
    return f"{count(len(wheel.fits), 'fit')} took {fits:,.0f} s, the whole replay {seconds:,.0f} s{times}"


def list_facts(
    found: Sequence[Replay], offsets: Sequence[int], figures: Mapping[str, Figures], name: str
) -> dict[str, object]:
    """Return replays, one for each offset, as one object for programs; `metric` is the one that `loss` holds."""
    batches = found[0].batches
    return {
        "batches": len(batches),
        "rows": sum(batch.rows for batch in batches),
        "metric": name,
        "policies": figures,
        "events": [
            {
                "policy": policy,
                "offset": offset,
                "batch": event.batch,
                "at": batches[event.batch].until,
                "action": event.action,
                "by": event.by,
                "version": event.version,
                "reasons": event.reasons,
            }
            for offset, replay in zip(offsets, found, strict=True)
            for policy in figures
            if policy in replay.lines
            for event in replay.lines[policy].events
        ],
    }


def metric_of(wheel: Wheel) -> str:
    """Return the metric that a project is measured by here: the loss of its task, whatever it chooses families by."""
    return metrics.default(wheel.contract.target.task).name


def describe_replay(found: Sequence[Replay], figures: Mapping[str, Figures], name: str) -> Iterator[str]:
    """Yield the table of batches, a column for each policy, and the totals under it."""
    batches, lines = found[0].batches, {policy: found[0].lines[policy] for policy in figures}
    yield f"{name.replace('_', ' ')} of each batch (smaller is better), and the Version that answered:"
    form = f"{{:<{max(len(batch.name) for batch in batches)}}} {{:>7}}"
    yield form.format("batch", "rows") + "".join(f"{policy:>14}" for policy in lines)
    for place, batch in enumerate(batches):
        cells = (f"{line.by_batch[place][name]:>9.4f} {line.champions[place]:<4}" for line in lines.values())
        yield (form.format(batch.name, f"{batch.rows:,}") + "".join(cells)).rstrip()
    yield ""
    yield from (_total(policy, own, name) for policy, own in figures.items())


def _total(policy: str, own: Figures, name: str) -> str:
    """Return a policy's figures in a sentence."""

    def tell(key: str) -> str:
        value = own[key]
        return "-" if value is None else figure(value)

    gain = f", gain {tell('gain')}" if own["gain"] is not None else ""
    counts = ", ".join(f"{plural} {tell(plural)}" for plural in (*ACTIONS, "fits", "alarms"))
    held = f"; {100.0 * own['coverage']:.1f} % of intervals held the truth" if own["coverage"] is not None else ""
    return f"{policy}: {name.replace('_', ' ')} {tell('loss')}{gain}; {counts}; cost {tell('cost')}{held}."
