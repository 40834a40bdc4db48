"""The section of a card with concrete mistakes.

Which rows they are, what was said and what was true stand in the Version. What the rows hold does not: the files of a
Version are named by their hash, so nothing could be erased from them. It is read from the rows of the Snapshot whenever
a card is shown, and is gone with them.
"""

from collections.abc import Iterator
from datetime import date
from typing import Any

from trimtab.metrics.evaluation import Wrong
from trimtab.metrics.figures import figure
from trimtab.train.card_facts import Facts
from trimtab.train.sheet import Block, Heading, Table, Text, name, tame

SHOWN_COLUMNS = 6
LONGEST = 60


def tell_mistakes(facts: Facts) -> Iterator[Block]:
    """Yield the section; with `facts.rows` the columns that count most are looked up, none that is personal."""
    wrong, loss = facts.evaluation.wrong, facts.evaluation.loss
    if not wrong:
        return
    yield Heading(f"{len(wrong)} of its worst mistakes")
    plain = ("row", "it said", "truth", loss)
    if facts.rows is None:
        yield Table(plain, tuple(_tell_wrong(one) for one in wrong))
        yield Text(
            "Rows of the test part, by their place in the Snapshot. What they hold stands in no file of a Version, so "
            f"that it can be erased: {name('trimtab card')} reads it from the record, while the rows are there."
        )
        return
    columns = _choose_columns(facts)
    rows = tuple((*_tell_wrong(one), *_tell_row(facts.rows.row(one.row, named=True), columns)) for one in wrong)
    yield Table((*plain, "when", *(name(one) for one in columns)), rows)
    yield Text(
        "Rows of the test part, by their place in the Snapshot, and what they hold in the columns that count most; "
        "none is shown that is personal. No file of a Version holds these values: they were read from the record."
    )


def _tell_wrong(one: Wrong) -> tuple[str, ...]:
    return f"{one.row + 1:,}", tame(one.said), tame(one.true), figure(one.loss)


def _choose_columns(facts: Facts) -> tuple[str, ...]:
    known = {column.name for column in facts.contract.features if not column.pii}
    return tuple(one.column for one in facts.evaluation.importance if one.column in known)[:SHOWN_COLUMNS]


def _tell_row(row: dict[str, Any], columns: tuple[str, ...]) -> tuple[str, ...]:
    moment = row["_event_at"]
    return "unknown" if moment is None else _show(moment), *(name(_cut(_show(row[one]))) for one in columns)


def _show(value: object) -> str:
    if value is None:
        return "missing"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return figure(value)
    return value.isoformat().replace("+00:00", "Z") if isinstance(value, date) else str(value)


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"
