"""What the demonstration showed: a table, a chart, facts for programs, and what was not reached."""

import os
import statistics
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from shlex import quote
from shutil import get_terminal_size
from textwrap import wrap

import polars as pl

from trimtab.charts import Chart, Mark, line_chart
from trimtab.demo.scores import Curves, list_steps, measure_curves
from trimtab.demo.story import Step, Story
from trimtab.nouns import Decision

TABLES = {"raw": "raw/scans", "clean": "clean", "quarantined": "quarantine"}
WIDTH = 76
WHEEL = "wheel"
"""Name of the chart's files in a kept folder."""


@dataclass(frozen=True, slots=True)
class Shown:
    """The end of the demonstration. `missed` says what was not reached; `next` what to type now."""

    sentences: tuple[str, ...]
    facts: Mapping[str, object]
    decisions: tuple[Decision, ...]
    names: Mapping[str, str]
    missed: tuple[str, ...]
    next: tuple[str, ...]


def tell_story(story: Story, seconds: float) -> Shown:
    """Return what the demonstration showed; where the project is kept, the chart is written into its folder."""
    curves, counts = measure_curves(story), count_record(story)
    missed = tuple(find_missed(story, counts, curves))
    chart = draw_chart(story, curves)
    facts = {
        **counts,
        "brier": {"served": curves.mean(curves.served), "frozen": curves.mean(curves.frozen)},
        "by_step": list_steps(story, curves),
        "one_row_us": round(statistics.median(story.microseconds)),
        "seconds": round(seconds, 1),
        "load": round(os.getloadavg()[0], 2),
        "missed": missed,
        "kept_in": str(story.folder) if story.kept else None,
    }
    width = min(WIDTH, get_terminal_size().columns)
    drawn = chart.text(width).splitlines()
    sentences = (*summarise(story, counts, curves), "", *tabulate(story, curves, width), "", *drawn)
    names, decisions = story.names(), story.wheel.catalog.journal()
    return Shown((*sentences, *keep_chart(story, chart)), facts, decisions, names, missed, suggest_next(story))


def count_record(story: Story) -> dict[str, int | dict[str, int]]:
    """Return what the record holds now: rows by table, answers, outcomes, Versions, and Decisions by kind."""
    lake = story.wheel.lake
    logged = set(lake.read("predictions").select("id").collect()["id"])
    actions = Counter(decision.action for decision in story.wheel.catalog.journal())
    return {
        "rows": {name: _count_rows(story, table) for name, table in TABLES.items()},
        "predictions": len(story.answers),
        "outcomes": _count_rows(story, "outcomes"),
        "lost": sum(answer.id not in logged for answer in story.answers),
        "requests_refused": story.refused,
        "versions": len(story.names()),
        "retrains": actions["retrain"],
        "promotions": actions["promote"],
        "refusals": actions["refuse"],
        "kept": actions["keep"],
    }


def find_missed(story: Story, counts: Mapping[str, object], curves: Curves) -> Iterator[str]:
    """Yield a sentence for each promise of the demonstration that was not kept."""
    if counts["lost"]:
        yield f"{counts['lost']} acknowledged answers are not in the lake."
    if not story.refused:
        yield "A row with a word for a number was not refused."
    if not any(step.planted and "risk" in step.fired for step in story.steps):
        yield "The risk trigger did not fire after the fault was planted."
    if not curves.any_replaced:
        yield "No later Version took over."
    elif curves.mean(curves.served) >= curves.mean(curves.frozen):
        yield "The later Versions answered no better than the first one would have."
    yield from (f"The server did not follow to epoch {step.ticked.epoch}." for step in story.steps if not step.followed)


def summarise(story: Story, counts: Mapping[str, object], curves: Curves) -> Iterator[str]:
    """Yield the demonstration in a few sentences."""
    milliseconds = statistics.median(story.microseconds) / 1000
    yield (
        f"{counts['predictions']} rows asked over HTTP, {counts['outcomes']} outcomes, {counts['lost']} answers lost; "
        f"{story.refused} bad request refused; a row asked alone takes {milliseconds:.1f} ms."
    )
    if curves.any_replaced:
        served, frozen = curves.mean(curves.served), curves.mean(curves.frozen)
        yield (
            f"Brier score (smaller is better) of the {curves.replaced_rows} rows after the first replacement: "
            f"{served:.3f} as served, {frozen:.3f} had {story.first.name} stayed."
        )


def tabulate(story: Story, curves: Curves, width: int) -> Iterator[str]:
    """Yield the table of steps, lines no wider than `width`; what happened goes on under itself."""
    alone = f"{story.first.name} alone"
    header = f"{'rows':>11}  by   served  {alone}  "
    yield f"{header}what happened"
    for step, served, frozen in zip(story.steps, curves.served, curves.frozen, strict=True):
        rows = f"{step.first:>5}-{step.last:<5}  {step.version:<3}  {served:>6.3f}  {frozen:>{len(alone)}.3f}  "
        first, *others = wrap(story.tell_step(step), max(20, width - len(header))) or [""]
        yield f"{rows}{first}".rstrip()
        yield from (" " * len(rows) + other for other in others)


def draw_chart(story: Story, curves: Curves) -> Chart:
    """Return the picture of the wheel: both curves over the rows, and a mark where something happened."""
    ends = [step.last for step in story.steps]
    series = {
        "as served": list(zip(ends, curves.served, strict=True)),
        f"{story.first.name} alone": list(zip(ends, curves.frozen, strict=True)),
    }
    marks = [mark for step in story.steps for mark in mark_step(story, step)]
    title = "Handwritten digits: a planted fault, noticed and mended"
    return line_chart(series, title=title, x_title="row", y_title="Brier score (smaller is better)", marks=marks)


def mark_step(story: Story, step: Step) -> Iterator[Mark]:
    """Yield the marks of a step: a fault stands where its rows begin, a Decision where they end."""
    if fault := story.tell_fault(step):
        yield Mark(step.first - 1, fault)
    if turn := story.tell_turn(step):
        yield Mark(step.last, turn)


def keep_chart(story: Story, chart: Chart) -> tuple[str, ...]:
    """Write the chart as SVG and PNG into a kept folder, and return the sentence that says so."""
    if not story.kept:
        return ()
    (story.folder / f"{WHEEL}.svg").write_text(chart.svg(), encoding="utf-8")
    (story.folder / f"{WHEEL}.png").write_bytes(chart.png(2.0))
    return ("", f"The chart: {story.folder / WHEEL}.svg and .png.")


def suggest_next(story: Story) -> tuple[str, ...]:
    """Return commands that are worth typing now."""
    if not story.kept:
        return ("trimtab demo --keep digits", "trimtab init mine --data rows.csv --target COLUMN")
    folder = story.folder.relative_to(Path.cwd()) if story.folder.is_relative_to(Path.cwd()) else story.folder
    last = story.answers[-1].id
    place = quote(str(folder))
    return (f"trimtab status {place}", f"trimtab explain {last} --project {place}", f"trimtab serve {place}")


def _count_rows(story: Story, table: str) -> int:
    return int(story.wheel.lake.read(table).select(pl.len()).collect().item())
