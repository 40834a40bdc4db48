"""Step 2: raw rows into clean rows, or into quarantine with their reasons; each row once.

With one source of rows and no pipeline, the source's row is the row. With `[pipeline] sql` the candidates are the
result of one query over the newest state of every source; rows whose content is already kept are not kept again.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import polars as pl

from trimtab import clock
from trimtab.contract.clean import Checked, FrameContract, compile_frame
from trimtab.errors import ConfigError
from trimtab.loop.known import key_column
from trimtab.loop.state import Wheel
from trimtab.metrics.figures import count
from trimtab.nouns import Contract, SourceSpec, Target, fingerprint
from trimtab.pipeline.changes import new_rows
from trimtab.pipeline.sql import describe_sql, run_sql

Tell = Callable[[str], None]
SLICE = 200_000
"""Rows that are cleaned at a time, so that memory stays bounded."""
PIPELINE = "pipeline"
"""The `_source` of rows that a pipeline made."""


def keep_clean(wheel: Wheel, *, tell: Tell) -> Iterator[tuple[str, Checked]]:
    """Clean what is new in the raw tables; yield what became of each slice, by source."""
    rows = [spec for spec in wheel.project.sources if spec.role == "rows"]
    for spec in rows:
        if spec.name in wheel.contract.raw:
            yield from _check_raw(wheel, spec, tell)
    if wheel.project.pipeline.sql is not None:
        yield from _keep_candidates(wheel, wheel.project.pipeline.sql, tell)
    else:
        for spec in rows:
            yield from _keep_source(wheel, spec, tell)


def _keep_source(wheel: Wheel, spec: SourceSpec, tell: Tell) -> Iterator[tuple[str, Checked]]:
    """Clean the raw rows that are not yet in `clean` or `quarantine`, a slice at a time."""
    app, frame_contract = f"clean/{spec.name}", compile_frame(wheel.contract, text=spec.is_text)
    for rows, until in _slices(wheel, spec, wheel.clean, app):
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


def _slices(wheel: Wheel, spec: SourceSpec, table: str, app: str) -> Iterator[tuple[pl.DataFrame, int]]:
    """Yield the raw rows beyond what `app` has committed to a table, and the number that commits them."""
    raw = wheel.lake.read(f"raw/{spec.name}")
    while True:
        first = wheel.lake.committed(table, app) or 0
        rows = raw.filter(pl.col("_row") >= first).sort("_row").head(SLICE).collect()
        if not rows.height:
            return
        yield rows.with_columns(pl.lit(spec.name).alias("_source")), rows["_row"][-1] + 1


def _keep_bad(wheel: Wheel, quarantine: pl.DataFrame, app: str, until: int) -> None:
    """Append the bad rows that an interrupted turn has not appended already."""
    bad = quarantine.filter(pl.col("_row") >= (wheel.lake.committed("quarantine", app) or 0))
    if bad.height:
        wheel.lake.append("quarantine", _under(wheel, bad), app=app, number=until)


def _under(wheel: Wheel, bad: pl.DataFrame) -> pl.DataFrame:
    """Return quarantined rows with the Contract that they broke: under another one they are judged anew."""
    return bad.with_columns(pl.lit(wheel.contract.id).alias("_contract"))


def _check_raw(wheel: Wheel, spec: SourceSpec, tell: Tell) -> Iterator[tuple[str, Checked]]:
    """Quarantine the raw rows that break `[raw.SOURCE]`, once; the pipeline leaves them out by the same rules."""
    app, rules = f"raw/{spec.name}/{wheel.contract.id}", raw_contract(wheel.contract, spec)
    for rows, until in _slices(wheel, spec, f"raw/{spec.name}", app):
        checked = rules.apply(rows)
        _keep_bad(wheel, checked.quarantine, app, until)
        # An empty commit moves the mark forward: these rows were looked at.
        wheel.lake.append(f"raw/{spec.name}", rows.drop("_source").clear(), app=app, number=until)
        if checked.quarantine.height:
            tell(f"{spec.name}: {checked.quarantine.height:,} raw rows quarantined")
        yield spec.name, replace(checked, clean=checked.clean.clear())


def raw_contract(contract: Contract, spec: SourceSpec) -> FrameContract:
    """Return the rules of `[raw.SOURCE]` compiled for frames of that source."""
    nothing = Target(column="_no_target", task="regression")
    return compile_frame(Contract(contract.row.without_key(), nothing, contract.raw[spec.name]), text=spec.is_text)


def _keep_candidates(wheel: Wheel, sql: Path, tell: Tell) -> Iterator[tuple[str, Checked]]:
    """Run the pipeline and keep the rows that are new or have changed."""
    spec, contract = wheel.project.pipeline, wheel.contract
    text = _read_sql(sql)
    seen = _look(wheel, text, str(sql))
    if wheel.catalog.get_state("pipeline") == seen:
        return
    newest = _watermark(wheel)
    since = None if newest is None else newest - spec.lateness
    candidates = run_sql(text, read_tables(wheel), since=since, where=str(sql))
    if spec.watermark not in candidates.columns:
        raise ConfigError(f"{sql}: the result has no column '{spec.watermark}', which is the watermark.")
    if since is not None:
        candidates = candidates.filter(pl.col(spec.watermark) > since)
    checked = compile_frame(contract, text=False).apply(_with_origin(wheel, candidates))
    columns = [*(column.name for column in contract.columns), "_label"]
    clean = new_rows(checked.clean, _kept_since(wheel, since), columns)
    bad = new_rows(checked.quarantine, _quarantined(wheel), ["raw"])
    if bad.height:
        wheel.lake.append("quarantine", _under(wheel, bad))
    if clean.height:
        mark = candidates[spec.watermark].max()
        metadata = {"watermark": mark.isoformat()} if isinstance(mark, datetime) else {}
        wheel.lake.append(wheel.clean, with_key(clean, contract), metadata=metadata)
    wheel.catalog.put_state("pipeline", seen)
    tell(f"pipeline: {clean.height:,} rows new or changed, {bad.height:,} quarantined")
    yield PIPELINE, Checked(clean, bad, checked.counts if bad.height else {})


def _look(wheel: Wheel, text: str, where: str) -> Mapping[str, object]:
    """Return all that the pipeline's result depends on: its text, the Contract, and the tables that it uses."""
    names = [spec.name for spec in wheel.project.sources]
    used = describe_sql(text, names, where=where)
    versions = {name: wheel.lake.version(f"raw/{name}") for name in used}
    settings = (wheel.project.pipeline.watermark, wheel.project.pipeline.lateness)
    return {"contract": wheel.contract.id, "raw": versions, "text": fingerprint((text, settings))}


def _read_sql(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"[pipeline] sql: {path} cannot be read: {error}.") from None


def read_tables(wheel: Wheel) -> Mapping[str, pl.DataFrame]:
    """Return every source's newest rows as the pipeline sees them: good ones only, `[raw.*]` columns in their types."""
    tables = {}
    for spec in wheel.project.sources:
        rows = wheel.lake.read(f"raw/{spec.name}").sort("_row").collect()
        if spec.key and rows.height:
            rows = rows.unique(spec.key, keep="last", maintain_order=True)
        if spec.name in wheel.contract.raw and rows.height:
            rows = _apply_rules(rows, raw_contract(wheel.contract, spec))
        tables[spec.name] = rows
    return tables


def _apply_rules(rows: pl.DataFrame, rules: FrameContract) -> pl.DataFrame:
    good = rules.apply(rows.with_columns(pl.lit("").alias("_source"))).clean
    typed = good.select("_row", *(column.name for column in rules.contract.columns))
    return rows.drop(typed.columns[1:], strict=False).join(typed, on="_row", how="inner", maintain_order="left")


def _watermark(wheel: Wheel) -> datetime | None:
    text = wheel.lake.metadata(wheel.clean).get("watermark")
    return None if text is None else datetime.fromisoformat(text)


def _with_origin(wheel: Wheel, candidates: pl.DataFrame) -> pl.DataFrame:
    """Return candidates with the meta columns of a row: `_row` goes on from the last clean one."""
    last = wheel.lake.read(wheel.clean).select(pl.col("_row").max()).collect().item()
    first = 0 if last is None else last + 1
    return candidates.with_columns(
        pl.int_range(first, first + candidates.height, dtype=pl.Int64).alias("_row"),
        pl.lit(PIPELINE).alias("_source"),
        pl.lit(clock.now(), pl.Datetime("us", "UTC")).alias("_arrived_at"),
    )


def _kept_since(wheel: Wheel, since: datetime | None) -> pl.DataFrame:
    kept = wheel.lake.read(wheel.clean).filter(pl.col("_source") == PIPELINE)
    column = wheel.project.pipeline.watermark
    if since is not None and column in kept.collect_schema().names():
        kept = kept.filter(pl.col(column) > since)
    return kept.sort("_row").collect()


def _quarantined(wheel: Wheel) -> pl.DataFrame:
    return wheel.quarantined().filter(pl.col("_source") == PIPELINE).collect()


def with_key(clean: pl.DataFrame, contract: Contract) -> pl.DataFrame:
    """Return clean rows with `_key`, the canonical text of their key, computed once for all later joins."""
    return clean.with_columns(key_column(clean, contract))
