"""What did not pass, with its reasons; and what becomes of it once the contract was mended.

`quarantine` is a record of judgements and only ever grows: each says which row of which source, under which Contract,
when, and which rules it broke. Under an edited Contract every row is judged anew, once; a row that broke the old one
and is taken by the new one gets a judgement without reasons: it was released. Lines that are no row have no Contract.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import polars as pl

from trimtab import clock
from trimtab.errors import UsageError, nearest
from trimtab.loop.state import Wheel
from trimtab.nouns import fingerprint
from trimtab.store.tables import known_schema

Tell = Callable[[str], None]
PIPELINE = "pipeline"
"""The `_source` of rows that a pipeline made. They have no number of their own: their content is what they are."""
SCHEMA = known_schema("quarantine")
_BROKEN = pl.col("reasons").list.len() > 0


@dataclass(frozen=True, slots=True)
class Entry:
    """One row or line in quarantine: where it came from, when it was judged, under which Contract, what it broke."""

    id: str
    source: str
    row: int | None
    offset: str | None
    judged_at: datetime | None
    contract: str | None
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Listing:
    """What waits under the present Contract: how many by source and by rule, and the newest of them."""

    total: int
    sources: Mapping[str, int]
    rules: Mapping[str, int]
    newest: tuple[Entry, ...]


@dataclass(frozen=True, slots=True)
class Shown:
    """One row or line with its own text, and every judgement of it, oldest first."""

    entry: Entry
    raw: str
    judgements: tuple[Entry, ...]


def judged(wheel: Wheel, bad: pl.DataFrame) -> pl.DataFrame:
    """Return quarantined rows with the Contract that they broke, and when that was said."""
    return bad.with_columns(
        pl.lit(wheel.contract.id).alias("_contract"), pl.lit(clock.now(), SCHEMA["_judged_at"]).alias("_judged_at")
    )


def read_judgements(wheel: Wheel) -> pl.LazyFrame:
    """Return the whole table in its known columns, with `_what`: one text for one row or line of a source."""
    rows = wheel.lake.read("quarantine")
    present = rows.collect_schema().names()
    rows = rows.with_columns(pl.lit(None, kind).alias(name) for name, kind in SCHEMA.items() if name not in present)
    number = pl.col("_row").cast(pl.String).fill_null("")
    place = pl.concat_str("_source", pl.lit("\x1f"), number, pl.lit("\x1f"), pl.col("_offset").fill_null(""))
    content = pl.col("raw").fill_null("")
    line = pl.concat_str(place, pl.lit("\x1f"), content)
    made = pl.concat_str("_source", pl.lit("\x1f"), content)
    what = pl.when(pl.col("_source") == PIPELINE).then(made).when(pl.col("_row").is_null()).then(line).otherwise(place)
    return rows.with_columns(what.alias("_what"))


def read_pending(wheel: Wheel) -> pl.DataFrame:
    """Return the rows that another Contract refused and the present one has not judged, each once.

    An Outcome that was released once is one for good, whatever the Contract becomes.
    """
    rows = read_judgements(wheel).filter(pl.col("_contract").is_not_null())
    present = pl.col("_contract") == wheel.contract.id
    others = rows.filter(~present & _BROKEN)
    if not others.select(pl.len()).collect().item():
        return others.collect()
    settled = rows.filter(present | (~_BROKEN & pl.col("_source").is_in(_outcome_sources(wheel)))).select("_what")
    newest = others.join(settled, on="_what", how="anti").sort("_judged_at")
    return newest.unique("_what", keep="last", maintain_order=True).collect()


def note_released(wheel: Wheel) -> pl.DataFrame:
    """Record, once for each, the rows that are in now: all raw rows have been judged under the present Contract.

    Those that it refuses have a judgement of their own already. Outcomes note theirs themselves: see `refine`.
    """
    freed = read_pending(wheel).filter(pl.col("_source").is_in(_outcome_sources(wheel)).not_())
    record_released(wheel, freed)
    return freed


def _outcome_sources(wheel: Wheel) -> list[str]:
    return [spec.name for spec in wheel.project.sources if spec.role == "outcomes"]


def record_released(
    wheel: Wheel,
    freed: pl.DataFrame,
    *,
    refused: pl.DataFrame | None = None,
    app: str | None = None,
    number: int | None = None,
) -> None:
    """Append a judgement without reasons for each of some rows, and with theirs for those that are refused again.

    What has a place in a source is not kept a second time.
    """
    text = pl.when(pl.col("_source") == PIPELINE).then("raw")
    good = freed.with_columns(text.alias("raw"), pl.lit([], SCHEMA["reasons"]).alias("reasons"))
    frames = [judged(wheel, frame).select(SCHEMA.names()) for frame in (good, refused) if frame is not None]
    rows = pl.concat(frames)
    if rows.height:
        wheel.lake.append("quarantine", rows, app=app, number=number)


def list_quarantine(wheel: Wheel, *, rule: str = "", source: str = "", newest: int = 20) -> Listing:
    """Return what waits under the present Contract. Raises UsageError for a rule or a source that nothing has."""
    waiting = _select(wheel, _waiting(wheel), rule, source)
    order = waiting.sort("_judged_at", "_arrived_at", "_row", descending=True, nulls_last=True)
    return Listing(
        waiting.height,
        dict(Counter(waiting["_source"].to_list()).most_common()),
        _count_rules(waiting),
        tuple(_entry(row) for row in order.head(newest).iter_rows(named=True)),
    )


def show_entry(wheel: Wheel, id: str) -> Shown:  # noqa: A002 (the nouns call it id, too)
    """Return one row or line of the quarantine with all that was said of it. Raises UsageError for an unknown id."""
    kept = read_judgements(wheel).collect()
    wanted = next((what for what in kept["_what"].unique() if _id(what) == id), None)
    if wanted is None:
        hint = "`trimtab quarantine list` names the newest"
        raise UsageError(f"Nothing in quarantine has the id '{id[:64]}'.", hint=hint)
    rows = kept.filter(pl.col("_what") == wanted).sort("_judged_at", nulls_last=False)
    judgements = tuple(_entry(row) for row in rows.iter_rows(named=True))
    return Shown(judgements[-1], next((text for text in rows["raw"] if text), ""), judgements)


def _waiting(wheel: Wheel) -> pl.DataFrame:
    own = pl.col("_contract").is_null() | (pl.col("_contract") == wheel.contract.id)
    return read_judgements(wheel).filter(own & _BROKEN).collect()


def _select(wheel: Wheel, rows: pl.DataFrame, rule: str, source: str) -> pl.DataFrame:
    """Return the rows that broke a rule and come from a source, both where named."""
    sources = [*(spec.name for spec in wheel.project.sources), PIPELINE]
    if source and source not in sources:
        raise UsageError(f"There is no source '{source[:64]}'{nearest(source, sources) or '.'}")
    if rule and rows.height and rule not in (rules := _count_rules(rows)):
        hint = "`trimtab quarantine list` counts the rules that were broken"
        raise UsageError(f"No row in quarantine broke '{rule[:64]}'{nearest(rule, list(rules)) or '.'}", hint=hint)
    rows = rows.filter(pl.col("reasons").list.contains(rule)) if rule else rows
    return rows.filter(pl.col("_source") == source) if source else rows


def select_pending(wheel: Wheel, pending: pl.DataFrame, rule: str) -> pl.DataFrame:
    """Return the pending rows that broke a rule, or all where none is named. Raises UsageError for an unknown rule."""
    return _select(wheel, pending, rule, "")


def _count_rules(rows: pl.DataFrame) -> Mapping[str, int]:
    return dict(Counter(reason for reasons in rows["reasons"].to_list() for reason in set(reasons)).most_common())


def _id(what: str) -> str:
    return fingerprint(what)


def _entry(row: Mapping[str, Any]) -> Entry:
    reasons: Sequence[str] = row["reasons"] or ()
    return Entry(
        id=_id(row["_what"]),
        source=row["_source"],
        row=None if row["_source"] == PIPELINE else row["_row"],
        offset=row["_offset"],
        judged_at=row["_judged_at"] or row["_arrived_at"],
        contract=row["_contract"],
        reasons=tuple(reasons),
    )
