"""What waits in quarantine, judged anew under the Contract as it was mended: each row once, however often one asks."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import msgspec
import polars as pl

from trimtab import clock
from trimtab.contract.clean import compile_frame
from trimtab.loop.derive import raw_contract
from trimtab.loop.outcomes import keep_source_outcomes, sort_rows
from trimtab.loop.quarantine import PIPELINE, read_judgements, read_pending, select_pending
from trimtab.loop.refine import keep_clean
from trimtab.loop.state import Wheel
from trimtab.nouns import SourceSpec

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Released:
    """What became of the rows that an older Contract had refused, and that were not judged under the present one.

    `released` are in now, `refused` break a rule again (counted in `rules`); `also` are rows that were not asked for by
    their rule and came in all the same, because a Contract holds for every row.
    """

    released: int = 0
    refused: int = 0
    also: int = 0
    rules: Mapping[str, int] = field(default_factory=dict)


def release(wheel: Wheel, *, rule: str = "", tell: Tell) -> Released:
    """Judge the pending rows under the present Contract and keep the good ones; a second call finds none.

    Every raw row is cleaned under an edited Contract, by whichever verb comes first: this one reads no source and says
    what became of the rows that waited. `rule` tells of those only that had broken it.
    """
    with wheel.turn("release"):
        everything = read_pending(wheel)
        pending = select_pending(wheel, everything, rule)
        if not everything.height:
            return Released()
        for spec in _of_outcomes(wheel):
            keep_source_outcomes(wheel, spec, tell=tell)
        for _ in keep_clean(wheel, tell=tell):
            pass
        return _account(wheel, everything, pending)


def preview(wheel: Wheel, *, rule: str = "") -> Released:
    """Return what `release` would say; nothing changes.

    Rows that a pipeline made are judged as they were then; a pipeline that was edited makes others.
    """
    everything = read_pending(wheel)
    pending = select_pending(wheel, everything, rule)
    broken = {
        what: reasons for (source,), rows in _by_source(everything) for what, reasons in _judge(wheel, source, rows)
    }
    return _count(broken, everything, pending)


def _account(wheel: Wheel, everything: pl.DataFrame, pending: pl.DataFrame) -> Released:
    """Return what the quarantine now says of the rows that were pending."""
    own = read_judgements(wheel).filter(pl.col("_contract") == wheel.contract.id).select("_what", "reasons").collect()
    return _count({what: reasons for what, reasons in own.rows() if reasons}, everything, pending)


def _count(broken: Mapping[str, list[str]], everything: pl.DataFrame, pending: pl.DataFrame) -> Released:
    asked, free = set(pending["_what"]), set(everything["_what"]) - broken.keys()
    again = asked & broken.keys()
    rules = Counter(reason for what in again for reason in set(broken[what]))
    return Released(len(asked & free), len(again), len(free - asked), dict(rules.most_common()))


def _of_outcomes(wheel: Wheel) -> list[SourceSpec]:
    return [spec for spec in wheel.project.sources if spec.role == "outcomes"]


def _by_source(pending: pl.DataFrame) -> list[tuple[tuple[object, ...], pl.DataFrame]]:
    return list(pending.group_by("_source", maintain_order=True)) if pending.height else []


def _judge(wheel: Wheel, source: object, pending: pl.DataFrame) -> list[tuple[str, list[str]]]:
    """Return those of a source's pending rows that break the present Contract, with their reasons."""
    if source == PIPELINE:
        made = [msgspec.json.decode(text) for text in pending["raw"]]
        rows = pl.DataFrame(made, infer_schema_length=None, strict=False).with_columns(
            pending["_row"], pending["_what"]
        )
        bad = compile_frame(wheel.contract, text=False).apply(rows.with_columns(_row=pl.int_range(pl.len()))).quarantine
        return [(pending["_what"][row], reasons) for row, reasons in bad.select("_row", "reasons").rows()]
    spec = next((one for one in wheel.project.sources if one.name == source), None)
    if spec is None:  # a source that was taken out of trimtab.toml: nobody judges its rows any more
        return pending.select("_what", "reasons").rows()
    numbers = pending.select("_row", "_what")
    raw = wheel.lake.read(f"raw/{spec.name}").filter(pl.col("_row").is_in(numbers["_row"].implode())).collect()
    bad = _judge_raw(wheel, spec, raw.with_columns(pl.lit(spec.name).alias("_source")))
    return bad.join(numbers, on="_row").select("_what", "reasons").rows()


def _judge_raw(wheel: Wheel, spec: SourceSpec, raw: pl.DataFrame) -> pl.DataFrame:
    """Return the raw rows of a source that are refused, in the columns of the quarantine."""
    if spec.role == "outcomes":
        return sort_rows(wheel, spec, raw, clock.now())[1]
    if wheel.project.pipeline.file is None:
        return compile_frame(wheel.contract, text=spec.is_text).apply(raw).quarantine
    if spec.name not in wheel.contract.raw:
        return raw.clear().select("_row", pl.lit([], pl.List(pl.String)).alias("reasons"))
    return raw_contract(wheel.contract, spec).apply(raw).quarantine
