"""Where the rows go: counts in and out of sources, rules, pipeline and contract, over what the lake holds now.

Counted when asked, not at each turn. With a pipeline its whole result is made anew, as if no row were final, and
compared with what `clean` holds; nothing is changed.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from trimtab.contract.clean import compile_frame
from trimtab.loop.derive import (
    WATERMARK,
    Table,
    compare,
    final_before,
    kept_rows,
    number_rows,
    read_pipeline,
    read_table,
    run_pipeline,
)
from trimtab.loop.known import load_labelled, resolve
from trimtab.loop.state import Wheel
from trimtab.loop.withdraw import standing
from trimtab.metrics.figures import count
from trimtab.nouns import SourceSpec
from trimtab.nouns.identity import plain
from trimtab.pipeline.lineage import RESULT, count_steps
from trimtab.pipeline.steps import Stage, Step, note_steps


@dataclass(frozen=True, slots=True)
class Lineage:
    """Where the rows went, in lines for people, and the same as facts for programs (JSON-able)."""

    sentences: tuple[str, ...]
    facts: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class _Judged:
    """Rows before the contract, what became of them, and what final rows make of that.

    late  accepted rows that are not applied: they came, or changed, when they were final
    held  final rows of `clean` that the pipeline would not give like that any more; clean = accepted - late + held
    """

    rows_in: int
    accepted: int
    quarantined: int
    by_rule: Mapping[str, int]
    late: int = 0
    held: int = 0


def trace(wheel: Wheel) -> Lineage:
    """Return the lineage of the rows that the lake holds now. Raises ConfigError where the pipeline fails."""
    tables = {spec.name: read_table(wheel, spec) for spec in wheel.project.sources}
    sources = [_source_facts(wheel, spec, tables[spec.name]) for spec in wheel.project.sources]
    file = wheel.project.pipeline.file
    steps, judged = _trace_pipeline(wheel, tables) if file else ((), _count_kept(wheel))
    standing_rows = standing(wheel.lake.read(wheel.clean)).select(pl.len()).collect().item()
    champion = wheel.champion()
    facts = {
        "sources": sources,
        "steps": plain(steps),
        "contract": plain(judged),
        "clean": int(standing_rows),
        "labelled": load_labelled(wheel, resolve(wheel, None)).snapshot.rows,
        "snapshot": {"version": champion[1].name, "rows": champion[1].snapshot.rows} if champion else None,
    }
    lines = [
        *map(_source_sentence, sources),
        *(_annotate(read_pipeline(wheel), steps, file) if file else ()),
        *_end_sentences(facts, judged),
    ]
    return Lineage(tuple(lines), facts)


def _source_facts(wheel: Wheel, spec: SourceSpec, table: Table) -> dict[str, Any]:
    bad = wheel.lake.read("quarantine").filter(pl.col("_source") == spec.name)
    lines = bad.filter(pl.col("reasons").list.eval(pl.element().str.starts_with("line:")).list.any())
    rejected = int(lines.filter(pl.col("_row").is_null()).select(pl.len()).collect().item())
    refused = _count_refused(wheel, spec) if spec.role == "outcomes" else 0
    return {
        "name": spec.name,
        "role": spec.role,
        "rows_in": table.read + rejected,
        "read": table.read,
        "rejected": rejected,
        "replaced": table.replaced,
        "quarantined": table.broken + refused,
        "rows_out": table.rows.height - refused,
    }


def _count_refused(wheel: Wheel, spec: SourceSpec) -> int:
    """Return how many rows of a source are no Outcome under the present Contract."""
    own = wheel.quarantined().filter((pl.col("_source") == spec.name) & pl.col("_row").is_not_null())
    return int(own.select(pl.col("_row").n_unique()).collect().item())


def _trace_pipeline(wheel: Wheel, tables: Mapping[str, Table]) -> tuple[Sequence[Step], _Judged]:
    frames = {name: table.rows for name, table in tables.items()}
    with note_steps() as noted:
        result = run_pipeline(wheel, frames, None)
    spec = wheel.project.pipeline
    if spec.sql is not None:
        steps = count_steps(read_pipeline(wheel), frames, where=str(spec.sql))
    else:
        stages = tuple(Stage(name, None, None, frame.height) for name, frame in frames.items())
        given = sum(frame.height for frame in frames.values())
        steps = (*noted, Step(RESULT, None, given, result.height, read_pipeline(wheel), stages))
    return steps, _judge(wheel, result)


def _judge(wheel: Wheel, result: pl.DataFrame) -> _Judged:
    """Hold the whole result to the contract, and count the final rows that would be others now."""
    rows, watermarks = number_rows(wheel, result)
    checked = compile_frame(wheel.contract, text=False).apply(rows)
    counts = rows.height, checked.clean.height, checked.quarantine.height, checked.counts
    since = final_before(wheel)
    if since is None:
        return _Judged(*counts)
    old = watermarks.filter(pl.col(WATERMARK) < since).select("_row")
    changes = compare(wheel, checked.clean, kept_rows(wheel, None))
    held = changes.gone.filter(pl.col(WATERMARK).is_null() | (pl.col(WATERMARK) < since)).height
    return _Judged(*counts, late=changes.new.join(old, on="_row", how="semi").height, held=held)


def _count_kept(wheel: Wheel) -> _Judged:
    """Return what `clean` and `quarantine` hold where a source's row is the row."""
    names = [spec.name for spec in wheel.project.sources if spec.role == "rows"]
    bad = wheel.quarantined().filter(pl.col("_source").is_in(names) & pl.col("_row").is_not_null()).collect()
    rules = Counter(reason for reasons in bad["reasons"].to_list() for reason in reasons)
    good = int(standing(wheel.lake.read(wheel.clean)).select(pl.len()).collect().item())
    return _Judged(good + bad.height, good, bad.height, dict(rules.most_common()))


def _source_sentence(facts: Mapping[str, Any]) -> str:
    lost = [
        f"{facts[key]:,} {said}"
        for key, said in (
            ("rejected", "rejected as no row"),
            ("replaced", "replaced by a newer state of their key"),
            ("quarantined", "quarantined" if facts["role"] == "outcomes" else "quarantined by its own rules"),
        )
        if facts[key]
    ]
    gone = f"; {', '.join(lost)}" if lost else ""
    return f"{facts['name']} ({facts['role']}): {facts['rows_in']:,} in{gone}; {facts['rows_out']:,} out."


def _annotate(text: str, steps: Sequence[Step], file: Path) -> Iterator[str]:
    """Yield the pipeline's text with its counts beside the lines, and below it those that have no line."""
    notes: dict[int, list[str]] = {}
    rest: list[str] = []
    for at, note in _notes(steps):
        (rest if at is None else notes.setdefault(at, [])).append(note)
    lines = [line.expandtabs(4) for line in text.splitlines()]
    width = min(max((len(line) for number, line in enumerate(lines, start=1) if number in notes), default=0), 100)
    yield ""
    yield f"{file.name}, with the rows of each step:"
    for number, line in enumerate(lines, start=1):
        said = "; ".join(notes.get(number, ()))
        yield f"{number:>4} | {line:<{width}} | {said}".rstrip(" ") if said else f"{number:>4} | {line}"
    yield from rest
    yield ""


def _notes(steps: Sequence[Step]) -> Iterator[tuple[int | None, str]]:
    for step in steps:
        own = f"{step.name}: {_figure(step.rows_out)} out"
        if not step.stages and step.rows_in is not None:
            own = f"{step.name}: {_figure(step.rows_in)} -> {_figure(step.rows_out)}"
        yield step.line, own
        for stage in step.stages:
            yield stage.line or step.line, _stage_note(stage)


def _stage_note(stage: Stage) -> str:
    if stage.rows_in is None:
        return f"{stage.name}: {_figure(stage.rows_out)}"
    unmatched = f" ({stage.unmatched:,} unmatched)" if stage.unmatched else ""
    return f"{stage.name}: {_figure(stage.rows_in)} -> {_figure(stage.rows_out)}{unmatched}"


def _figure(rows: int | None) -> str:
    return "not counted" if rows is None else f"{rows:,}"


def _stand(rows: int) -> str:
    return "stands as it was" if rows == 1 else "stand as they were"


def _end_sentences(facts: Mapping[str, Any], judged: _Judged) -> Iterator[str]:
    yield f"contract: {judged.rows_in:,} in, {judged.accepted:,} accepted, {judged.quarantined:,} quarantined."
    for rule, rows in judged.by_rule.items():
        yield f"  {rule}: {count(rows, 'row')}"
    if judged.late:
        yield f"  {count(judged.late, 'row')} of these came or changed too late, when final, and stay out."
    if judged.held:
        yield f"  {count(judged.held, 'final row')} of clean {_stand(judged.held)}: the pipeline gives other ones now."
    yield f"clean: {count(facts['clean'], 'row')}, {facts['labelled']:,} labelled rows to learn from."
    if facts["snapshot"]:
        yield f"{facts['snapshot']['version']} was fitted on {count(facts['snapshot']['rows'], 'row')} of them."
    if any(step["rows_out"] is None for step in facts["steps"]):
        yield "Some steps are not counted: they need more memory or time than there is, or cannot be run alone."
