"""The pipeline's result as candidate rows: what may still change, what is final, and what that means for `clean`.

A row is final once its watermark lies more than `lateness` below the newest one that is kept. Final rows stay as they
are, whatever the result says of them later. All others follow the result: `clean` gains what is new, and a row that the
result no longer has is withdrawn by a further row (see withdraw.py), so that it is still known what was known before.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import polars as pl

from trimtab import clock
from trimtab.contract.clean import FrameContract, compile_frame
from trimtab.errors import ConfigError
from trimtab.loop.known import key_column
from trimtab.loop.quarantine import PIPELINE
from trimtab.loop.state import Wheel
from trimtab.loop.withdraw import standing, withdrawals
from trimtab.nouns import Contract, SourceSpec, Target, fingerprint
from trimtab.pipeline.changes import Changes, find_changes
from trimtab.pipeline.python import read_program, run_python
from trimtab.pipeline.sql import describe_sql, run_sql

MOMENT = pl.Datetime("us", "UTC")
WATERMARK = "_watermark"
"""The column of `clean` that says how old a row of the pipeline is."""


@dataclass(frozen=True, slots=True)
class Derived:
    """One run of the pipeline: its rows with `_row`, `_source` and `_arrived_at`, and each one's watermark.

    `open` are those that may still change, `final` the others; `since` is the moment between them, None where no row is
    final. `seen` is all that the result depends on.
    """

    open: pl.DataFrame
    final: pl.DataFrame
    watermarks: pl.DataFrame
    since: datetime | None
    seen: Mapping[str, object]


def derive(wheel: Wheel) -> Derived | None:
    """Return the pipeline's present result, or None where nothing that it depends on has changed.

    Raises ConfigError where the pipeline fails, or its result has no watermark.
    """
    seen = _look(wheel)
    before = wheel.catalog.get_state("pipeline")
    if before == seen:
        return None
    # Another text is another definition: what the old one said is not final under the new one.
    edited = before is not None and before.get("text") != seen["text"]
    since = None if edited else final_before(wheel)
    rows, watermarks = number_rows(wheel, run_pipeline(wheel, read_tables(wheel), since))
    old = watermarks[WATERMARK] < since if since else pl.Series([False]).new_from_index(0, rows.height)
    old = old.fill_null(value=False)
    return Derived(rows.filter(~old), rows.filter(old), watermarks, since, seen)


def keep_changes(wheel: Wheel, made: Derived, clean: pl.DataFrame) -> Changes:
    """Append to `clean` what the cleaned open rows change, in one commit, and return it."""
    changes = compare(wheel, clean, kept_rows(wheel, made.since))
    dated = changes.new.join(made.watermarks, on="_row", how="left", maintain_order="left")
    # Nobody can say whether a row without a watermark is missing from a result that begins at `since`.
    gone = changes.gone if made.since is None else changes.gone.filter(pl.col(WATERMARK).is_not_null())
    taken = withdrawals(gone["_row"], next_row(wheel) + made.watermarks.height)
    rows = pl.concat([with_key(dated, wheel.contract), taken], how="diagonal")
    if rows.height:
        wheel.lake.append(wheel.clean, rows)
    wheel.catalog.put_state("pipeline", made.seen)
    return Changes(changes.new, gone)


def count_late(wheel: Wheel, made: Derived) -> int:
    """Return how many final rows of the result are not kept like that: they came too late, or changed too late."""
    if made.since is None or not made.final.height:
        return 0
    clean = compile_frame(wheel.contract, text=False).apply(made.final).clean
    return compare(wheel, clean, kept_rows(wheel, None)).new.height


def compare(wheel: Wheel, clean: pl.DataFrame, kept: pl.DataFrame) -> Changes:
    """Return what cleaned rows change in kept ones, by the contract's columns and the label."""
    return find_changes(clean, kept, [*(column.name for column in wheel.contract.columns), "_label"])


def run_pipeline(wheel: Wheel, tables: Mapping[str, pl.DataFrame], since: datetime | None) -> pl.DataFrame:
    """Return the result of the project's pipeline over `tables`, in plain types."""
    spec, folder = wheel.project.pipeline, wheel.project.folder
    if spec.python is not None:
        return run_python(spec.python, spec.function, tables, folder=folder, since=since)
    return run_sql(read_pipeline(wheel), tables, since=since, where=str(spec.file))


def read_pipeline(wheel: Wheel) -> str:
    """Return the pipeline's text; ConfigError where it cannot be read."""
    path = wheel.project.pipeline.file
    try:
        return path.read_text(encoding="utf-8") if path else ""
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"[pipeline]: {path} cannot be read: {error}.") from None


def _look(wheel: Wheel) -> Mapping[str, object]:
    """Return all that the pipeline's result depends on: its text, the Contract, and the tables that it uses."""
    spec, names = wheel.project.pipeline, [source.name for source in wheel.project.sources]
    if spec.python is not None:
        text, used = read_program(spec.python, wheel.project.folder), tuple(names)
    else:
        text = read_pipeline(wheel)
        used = describe_sql(text, names, where=str(spec.file))
    versions = {name: wheel.lake.version(f"raw/{name}") for name in used}
    settings = (spec.function, spec.watermark, spec.lateness)
    return {"contract": wheel.contract.id, "raw": versions, "text": fingerprint((text, settings))}


def final_before(wheel: Wheel) -> datetime | None:
    """Return the moment below which rows are final: `lateness` below the newest watermark in `clean`.

    A watermark that lies after its row's arrival counts as that: a date in the future says nothing of what is over.
    """
    kept = wheel.lake.read(wheel.clean)
    if WATERMARK not in kept.collect_schema().names():
        return None
    newest = kept.select(pl.min_horizontal(WATERMARK, "_arrived_at").filter(pl.col(WATERMARK).is_not_null()).max())
    found = newest.collect().item()
    return found - wheel.project.pipeline.lateness if isinstance(found, datetime) else None


def number_rows(wheel: Wheel, rows: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return a result with the meta columns of a row, and the watermark of each `_row`."""
    spec, first = wheel.project.pipeline, next_row(wheel)
    kind = rows.schema.get(spec.watermark)
    if kind is None or not kind.is_temporal():
        what = f"has no column '{spec.watermark}'" if kind is None else f"has {kind} in '{spec.watermark}'"
        raise ConfigError(f"{spec.file}: the result {what}; [pipeline] watermark names a column of times or dates.")
    numbered = rows.with_columns(
        pl.int_range(first, first + rows.height, dtype=pl.Int64).alias("_row"),
        pl.lit(PIPELINE).alias("_source"),
        pl.lit(clock.now(), MOMENT).alias("_arrived_at"),
    )
    moment = pl.col(spec.watermark) if isinstance(kind, pl.Datetime) else pl.col(spec.watermark).cast(pl.Datetime("us"))
    moment = moment if isinstance(kind, pl.Datetime) else moment.dt.replace_time_zone("UTC")
    return numbered, numbered.select("_row", moment.alias(WATERMARK))


def next_row(wheel: Wheel) -> int:
    """Return the number of the next row of `clean`."""
    last = wheel.lake.read(wheel.clean).select(pl.col("_row").max()).collect().item()
    return 0 if last is None else last + 1


def kept_rows(wheel: Wheel, since: datetime | None) -> pl.DataFrame:
    """Return the pipeline's rows that stand in `clean` and may still change; all of them where `since` is None."""
    kept = standing(wheel.lake.read(wheel.clean)).filter(pl.col("_source") == PIPELINE)
    if WATERMARK not in kept.collect_schema().names():
        kept = kept.with_columns(pl.lit(None, MOMENT).alias(WATERMARK))
    if since is not None:
        kept = kept.filter(pl.col(WATERMARK).is_null() | (pl.col(WATERMARK) >= since))
    return kept.sort("_row").collect()


def with_key(clean: pl.DataFrame, contract: Contract) -> pl.DataFrame:
    """Return clean rows with `_key`, the canonical text of their key, computed once for all later joins."""
    return clean.with_columns(key_column(clean, contract))


@dataclass(frozen=True, slots=True)
class Table:
    """A source's rows as the pipeline sees them, and how many were read, replaced by a newer state, and left out."""

    rows: pl.DataFrame
    read: int
    replaced: int
    broken: int


def read_tables(wheel: Wheel) -> Mapping[str, pl.DataFrame]:
    """Return every source's newest rows as the pipeline sees them."""
    return {spec.name: read_table(wheel, spec).rows for spec in wheel.project.sources}


def read_table(wheel: Wheel, spec: SourceSpec) -> Table:
    """Return a source's newest rows: good ones only, `[raw.*]` columns in their types."""
    rows = wheel.lake.read(f"raw/{spec.name}").sort("_row").collect()
    read = rows.height
    if spec.key and read:
        rows = rows.unique(spec.key, keep="last", maintain_order=True)
    newest = rows.height
    if spec.name in wheel.contract.raw and read:
        rows = _apply_rules(rows, raw_contract(wheel.contract, spec))
    return Table(rows, read, read - newest, newest - rows.height)


def raw_contract(contract: Contract, spec: SourceSpec) -> FrameContract:
    """Return the rules of `[raw.SOURCE]` compiled for frames of that source."""
    nothing = Target(column="_no_target", task="regression")
    return compile_frame(Contract(contract.row.without_key(), nothing, contract.raw[spec.name]), text=spec.is_text)


def _apply_rules(rows: pl.DataFrame, rules: FrameContract) -> pl.DataFrame:
    good = rules.apply(rows.with_columns(pl.lit("").alias("_source"))).clean
    typed = good.select("_row", *(column.name for column in rules.contract.columns))
    return rows.drop(typed.columns[1:], strict=False).join(typed, on="_row", how="inner", maintain_order="left")
