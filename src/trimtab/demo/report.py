"""What the demonstration showed: facts for programs, a table, charts, sentences, and what was not reached."""

import os
import statistics
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from shlex import quote
from shutil import get_terminal_size
from textwrap import wrap
from typing import Any

import polars as pl

from trimtab.charts import Chart, Mark, line_chart
from trimtab.demo.lines import ACTIONS, NAMES, Given, count_actions, find_differences, is_planted, measure_given
from trimtab.demo.story import Month, Stopwatch, Story
from trimtab.loop.replay import Replay
from trimtab.loop.withdraw import standing
from trimtab.nouns import Decision

WIDTH, TABLE = 90, 86
"""Columns that charts and sentences take at most, and that the table of both metrics needs."""
WHOLE = 10
"""Months of a whole demonstration; a shorter one is not held to the figures of the year."""
ASKED = 20_000
SLACK = 1.01
"""Governed may lose this much of what is lost by retraining every month."""
LESS = 2 / 3
"""Share of the monthly retrains that governed may need."""
METRICS = {"log_loss": "log loss", "roc_auc": "AUC"}
FILES = {"log_loss": "log-loss", "roc_auc": "auc"}


@dataclass(frozen=True, slots=True)
class Shown:
    """The end of the demonstration. `missed` says what was not reached; `next` what to type now."""

    sentences: tuple[str, ...]
    facts: Mapping[str, object]
    decisions: tuple[Decision, ...]
    names: Mapping[str, str]
    missed: tuple[str, ...]
    next: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Told:
    """All that is reported about: the story, what was measured over HTTP, and the replay."""

    story: Story
    given: Given
    replayed: Replay

    def value(self, policy: str, metric: str, month: int | None = None) -> float:
        """Return a metric of a policy by the demonstration's names, in a month or over all."""
        line = self.replayed.lines[NAMES[policy]]
        return line.overall[metric] if month is None else line.by_batch[month][metric]

    def retrains(self, policy: str) -> int:
        """Return how often a policy retrained."""
        return self.replayed.lines[NAMES[policy]].count("retrain")


def tell_story(story: Story, replayed: Replay, watch: Stopwatch) -> Shown:
    """Return what the demonstration showed; where the project is kept, the charts are written into its folder."""
    with watch.measure("report"):
        told = Told(story, measure_given(story), replayed)
        charts = {metric: draw_chart(told, metric) for metric in METRICS}
        kept = keep_charts(story, charts)
        counts, journal = count_record(story), story.wheel.catalog.journal()
        line = replayed.lines["governed"]
        differences = tuple(find_differences(story.months, told.given.by_month, journal, line))
    missed = (*find_missed(told, counts), *differences)
    facts = collect_facts(told, counts, watch, missed)
    width = min(WIDTH, get_terminal_size().columns)
    sentences = (
        *summarise(told, counts, differences),
        "",
        *tabulate(told, width),
        "",
        *(line for chart in charts.values() for line in (*chart.text(width).splitlines(), "")),
        *kept,
        tell_seconds(watch),
    )
    return Shown(sentences, facts, journal, story.names(), missed, suggest_next(story))


def count_record(story: Story) -> dict[str, Any]:
    """Return what the record holds now: rows by table, answers, outcomes, Versions, and Decisions by kind."""
    lake, journal = story.wheel.lake, story.wheel.catalog.journal()
    raw = [table for table in lake.tables() if table.startswith("raw/")]
    logged = lake.read("predictions").select("id", "probability").collect()
    kept = dict(logged.rows())
    return {
        "rows": {
            "raw": sum(_count_rows(story, table) for table in raw),
            "clean": standing(lake.read(story.wheel.clean)).select(pl.len()).collect().item(),
            "quarantined": _count_rows(story, "quarantine"),
        },
        "predictions": len(story.answers),
        "outcomes": _count_rows(story, "outcomes"),
        "lost": sum(kept.get(one) != probability for one, probability in story.answers.items()),
        "unasked_for": logged.height - len(story.answers),
        "failed": story.failed,
        "kept": sum(one.action == "keep" for one in journal),
        "versions": len(story.names()),
        **{plural: sum(one.action == action for one in journal[1:]) for plural, action in ACTIONS.items()},
    }


def find_missed(told: Told, counts: Mapping[str, Any]) -> Iterator[str]:
    """Yield a sentence for each promise of the demonstration that was not kept."""
    story = told.story
    if counts["lost"]:
        yield f"{counts['lost']} acknowledged answers are not in the log as they were given."
    if counts["unasked_for"]:
        yield f"The log holds {counts['unasked_for']} answers more than were given."
    if story.failed:
        yield f"{story.failed} rows got no answer."
    if not any(month.planted and month.planted.action == "refuse" for month in story.months):
        yield "The planted challenger was not refused."
    yield from (f"{month.name}: the server did not follow the tick." for month in story.months if not month.followed)
    if len(story.months) == WHOLE:
        yield from _find_missed_figures(told)


def _find_missed_figures(told: Told) -> Iterator[str]:
    loss = {policy: told.value(policy, "log_loss") for policy in NAMES}
    if len(told.story.answers) < ASKED:
        yield f"{len(told.story.answers):,} rows were asked, not {ASKED:,}."
    if not loss["governed"] <= loss["monthly"] * SLACK:
        yield f"Governed loses {loss['governed']:.4f}, more than {loss['monthly']:.4f} (monthly) and 1 %."
    if not loss["governed"] < loss["frozen"]:
        yield f"Governed loses {loss['governed']:.4f}, not less than frozen ({loss['frozen']:.4f})."
    if told.retrains("governed") > LESS * told.retrains("monthly"):
        yield f"Governed retrained {told.retrains('governed')} times, more than two thirds of monthly."


def collect_facts(
    told: Told, counts: Mapping[str, Any], watch: Stopwatch, missed: tuple[str, ...]
) -> dict[str, object]:
    """Return the whole demonstration as one object for programs."""
    story = told.story
    return {
        **counts,
        "joined": told.given.joined,
        "log_loss": {policy: told.value(policy, "log_loss") for policy in NAMES},
        "auc": {policy: told.value(policy, "roc_auc") for policy in NAMES},
        "policies": {policy: count_actions(told.replayed.lines[name]) for policy, name in NAMES.items()},
        "by_month": [_list_month(told, place, month) for place, month in enumerate(story.months)],
        "one_row_us": round(statistics.median(story.microseconds)),
        "seconds": round(watch.seconds, 1),
        "seconds_by_part": {part: round(seconds, 1) for part, seconds in watch.parts.items()},
        "load": round(os.getloadavg()[0], 2),
        "missed": missed,
        "kept_in": str(story.folder) if story.kept else None,
    }


def _list_month(told: Told, place: int, month: Month) -> dict[str, object]:
    given = told.given.by_month[place]
    return {
        "month": month.name,
        "asked": month.asked,
        "version": month.version,
        "planted": month.planted is not None,
        "log_loss": {policy: told.value(policy, "log_loss", place) for policy in NAMES},
        "auc": {policy: told.value(policy, "roc_auc", place) for policy in NAMES},
        "http": {"log_loss": given["log_loss"], "auc": given["roc_auc"]},
        "fired": [finding.subject for finding in month.ticked.findings if finding.fires],
        "decisions": [decision.action for decision in (*_planted(month), *month.ticked.decisions)],
        "epoch": month.ticked.epoch,
    }


def _planted(month: Month) -> tuple[Decision, ...]:
    return (month.planted,) if month.planted else ()


def summarise(told: Told, counts: Mapping[str, Any], differences: tuple[str, ...]) -> Iterator[str]:
    """Yield the demonstration in a few sentences."""
    story, rows = told.story, counts["rows"]
    milliseconds = statistics.median(story.microseconds) / 1000
    yield (
        f"{rows['raw']:,} raw rows became {rows['clean']:,} clean ones; {rows['quarantined']} went to quarantine. "
        f"{counts['predictions']:,} flights were asked over HTTP, {counts['lost']} answers were lost; a row asked "
        f"alone takes {milliseconds:.1f} ms. {counts['outcomes']:,} outcomes came in."
    )
    yield (
        "; ".join(
            f"{policy}: log loss {told.value(policy, 'log_loss'):.4f}, AUC {told.value(policy, 'roc_auc'):.3f}, "
            f"{count(told.retrains(policy), 'retrain')}"
            for policy in NAMES
        )
        + "."
    )
    if not differences:
        yield (
            "The replay agrees with what was lived: the log loss of every month is equal, and the same Versions were "
            "promoted in the same months."
        )


def tabulate(told: Told, width: int) -> Iterator[str]:
    """Yield the table of months, 86 columns wide, or one for each metric; what happened stands under its month."""
    if width >= TABLE:
        yield from _tabulate(told, tuple(METRICS), width, events=True)
        return
    for metric in METRICS:
        yield from _tabulate(told, (metric,), width, events=metric == "log_loss")
        yield ""


def _tabulate(told: Told, shown: tuple[str, ...], width: int, *, events: bool) -> Iterator[str]:
    yield f"{'':14}{''.join(f' {METRICS[metric]:<35}' for metric in shown)}".rstrip()
    yield f"{'month':<8}{'asked':>6}{''.join(f'{policy:>9}' for policy in NAMES) * len(shown)}"
    for place, month in enumerate(told.story.months):
        cells = (f"{told.value(policy, metric, place):>9.4f}" for metric in shown for policy in NAMES)
        yield f"{month.name:<8}{month.asked:>6,}{''.join(cells)}"
        for event in told.story.tell_month(month) if events else ():
            yield from wrap(event, width, initial_indent="          - ", subsequent_indent="            ")


def draw_chart(told: Told, metric: str) -> Chart:
    """Return the picture of the year: a line for each policy, and a mark where governed decided something."""
    months = told.story.months
    series = {
        f"{policy} ({count(told.retrains(policy), 'retrain')})": [
            (month.start + (month.end - month.start) / 2, told.value(policy, metric, place))
            for place, month in enumerate(months)
        ]
        for policy in NAMES
    }
    marks = [Mark(month.end, label) for month in months if (label := _label(told.story, month))]
    smaller = "smaller" if metric == "log_loss" else "larger"
    return line_chart(
        series,
        title="Flights from New York, 2013: will this one be late?",
        x_title="month of the question",
        y_title=f"{METRICS[metric]} ({smaller} is better)",
        marks=marks,
    )


def _label(story: Story, month: Month) -> str:
    decided = [decision for decision in (*_planted(month), *month.ticked.decisions) if decision.action in LABELS]
    names = story.names()
    parts = []
    for decision in decided:
        newcomer = decision.verdict.challenger if decision.verdict else names.get(decision.version or "", "")
        parts.append(f"{'planted ' if is_planted(decision) else ''}{newcomer} {LABELS[decision.action]}")
    return ", ".join(parts)


LABELS = {"promote": "promoted", "refuse": "refused", "keep": "kept out"}
"""What a mark says of a newcomer; each one is a retrain, the planted one apart."""


def keep_charts(story: Story, charts: Mapping[str, Chart]) -> tuple[str, ...]:
    """Write the charts as SVG and PNG into a kept folder, and return the sentence that says so."""
    if not story.kept:
        return ()
    for metric, chart in charts.items():
        (story.folder / f"{FILES[metric]}.svg").write_text(chart.svg(), encoding="utf-8")
        (story.folder / f"{FILES[metric]}.png").write_bytes(chart.png(2.0))
    return (f"The charts: {', '.join(f'{name}.svg and .png' for name in FILES.values())} in {story.folder}.",)


def tell_seconds(watch: Stopwatch) -> str:
    """Return how long it took, by part, and how busy the machine was."""
    parts = ", ".join(f"{part} {seconds:.0f}" for part, seconds in watch.parts.items())
    return f"{watch.seconds:.0f} s ({parts}); load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores."


def suggest_next(story: Story) -> tuple[str, ...]:
    """Return commands that are worth typing now."""
    if not story.kept:
        return ("trimtab demo --keep flights", "trimtab init mine --data rows.csv --target COLUMN")
    folder = story.folder.relative_to(Path.cwd()) if story.folder.is_relative_to(Path.cwd()) else story.folder
    place, last = quote(str(folder)), next(reversed(story.answers), "ID")
    return (
        f"trimtab status {place}",
        f"trimtab explain {last} --project {place}",
        f"trimtab replay {place} --batch month --start 2013-03-01",
        f"trimtab serve {place}",
    )


def count(number: int, thing: str) -> str:
    """Return a number of things in words.

    >>> count(1, "retrain"), count(6, "retrain")
    ('1 retrain', '6 retrains')
    """
    return f"{number:,} {thing}" if number == 1 else f"{number:,} {thing}s"


def _count_rows(story: Story, table: str) -> int:
    return int(story.wheel.lake.read(table).select(pl.len()).collect().item())
