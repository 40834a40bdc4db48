"""Step 2: raw rows into clean rows, or into quarantine with their reasons; each row once.

With one source of rows and no pipeline, the source's row is the row. With `[pipeline]` the candidates are its result
over the newest state of every source; what that changes is the business of derive.py.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace

import polars as pl

from trimtab.contract.clean import Checked, compile_frame
from trimtab.loop.derive import count_late, derive, keep_changes, raw_contract, with_key
from trimtab.loop.quarantine import PIPELINE, judged, note_released
from trimtab.loop.raw import slices
from trimtab.loop.state import Wheel
from trimtab.metrics.figures import count
from trimtab.nouns import Contract, SourceSpec
from trimtab.pipeline.changes import find_changes

Tell = Callable[[str], None]


def keep_clean(wheel: Wheel, *, tell: Tell) -> Iterator[tuple[str, Checked]]:
    """Clean what is new in the raw tables; yield what became of each slice, by source."""
    rows = [spec for spec in wheel.project.sources if spec.role == "rows"]
    for spec in rows:
        if spec.name in wheel.contract.raw:
            yield from _check_raw(wheel, spec, tell)
    if wheel.project.pipeline.file is not None:
        yield from _keep_candidates(wheel, tell)
    else:
        for spec in rows:
            yield from _keep_source(wheel, spec, tell)
    freed = note_released(wheel)
    if freed.height:
        takes = "it" if freed.height == 1 else "them"
        tell(f"{count(freed.height, 'row')} that waited in quarantine came out: the contract takes {takes} now")


def _keep_source(wheel: Wheel, spec: SourceSpec, tell: Tell) -> Iterator[tuple[str, Checked]]:
    """Clean the raw rows that are not yet in `clean` or `quarantine`, a slice at a time."""
    app, frame_contract = f"clean/{spec.name}", compile_frame(wheel.contract, text=spec.is_text)
    for rows, until in slices(wheel, spec, wheel.clean, app):
        checked = frame_contract.apply(rows)
        _keep_bad(wheel, checked.quarantine, f"{wheel.clean}/{spec.name}", until)
        wheel.lake.append(wheel.clean, with_key(checked.clean, wheel.contract), app=app, number=until)
        tell(f"{spec.name}: {count(checked.clean.height, 'row')} clean, {checked.quarantine.height:,} quarantined")
        for what in _look_for_gone(checked, rows.height, wheel.contract):
            tell(f"{spec.name}: {what}")
        yield spec.name, checked


def _look_for_gone(checked: Checked, rows: int, contract: Contract) -> Iterator[str]:
    """Yield what a whole slice lacks: mostly a column that was renamed or dropped where the rows come from."""
    for column in contract.columns:
        if checked.counts.get(f"{column.name}:missing") == rows:
            yield f"no row has a value in '{column.name}', which is required; is the column gone?"
    if rows and checked.clean.height == rows and checked.clean["_label"].null_count() == rows:
        yield f"no row has a label in '{contract.target.column}' yet"


def _keep_bad(wheel: Wheel, quarantine: pl.DataFrame, app: str, until: int) -> None:
    """Append the bad rows that an interrupted turn has not appended already."""
    bad = quarantine.filter(pl.col("_row") >= (wheel.lake.committed("quarantine", app) or 0))
    if bad.height:
        wheel.lake.append("quarantine", judged(wheel, bad), app=app, number=until)


def _check_raw(wheel: Wheel, spec: SourceSpec, tell: Tell) -> Iterator[tuple[str, Checked]]:
    """Quarantine the raw rows that break `[raw.SOURCE]`, once; the pipeline leaves them out by the same rules."""
    app, rules = f"raw/{spec.name}/{wheel.contract.id}", raw_contract(wheel.contract, spec)
    for rows, until in slices(wheel, spec, f"raw/{spec.name}", app):
        checked = rules.apply(rows)
        _keep_bad(wheel, checked.quarantine, app, until)
        # An empty commit moves the mark forward: these rows were looked at.
        wheel.lake.append(f"raw/{spec.name}", rows.drop("_source").clear(), app=app, number=until)
        if checked.quarantine.height:
            tell(f"{spec.name}: {checked.quarantine.height:,} raw rows quarantined")
        yield spec.name, replace(checked, clean=checked.clean.clear())


def _keep_candidates(wheel: Wheel, tell: Tell) -> Iterator[tuple[str, Checked]]:
    """Run the pipeline where anything has changed, and bring `clean` in line with its rows that may still change."""
    made = derive(wheel)
    if made is None:
        return
    checked = compile_frame(wheel.contract, text=False).apply(made.open)
    bad = find_changes(checked.quarantine, _quarantined(wheel), ["raw"]).new
    if bad.height:
        wheel.lake.append("quarantine", judged(wheel, bad))
    late = count_late(wheel, made)
    changes = keep_changes(wheel, made, checked.clean)
    tell(
        f"pipeline: {count(changes.new.height, 'row')} new or changed, {changes.gone.height:,} withdrawn, "
        f"{bad.height:,} quarantined"
    )
    if late:
        tell(f"pipeline: {count(late, 'row')} came or changed when final, and stay out; `trimtab status --lineage`")
    yield PIPELINE, Checked(changes.new, bad, Counter(bad["reasons"].explode().drop_nulls().to_list()))


def _quarantined(wheel: Wheel) -> pl.DataFrame:
    return wheel.quarantined().filter(pl.col("_source") == PIPELINE).collect()
