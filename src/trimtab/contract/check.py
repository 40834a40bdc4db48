"""What the contract made of a table, in sentences for people. No value of a row is ever repeated."""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Final

import polars as pl

from trimtab.contract.clean import Checked
from trimtab.contract.row import RESERVED
from trimtab.nouns.contract import Contract

MEANINGS: Final = {
    "missing": "has no value, and the column is required",
    "wrong_type": "is of another kind than the column's type",
    "not_a_number": "is a text that is no number",
    "not_finite": "is not a finite number",
    "not_an_integer": "is not a whole number",
    "bool_for_number": "is true or false where a number belongs",
    "text_for_number": "is a text where a number belongs",
    "hard_range": "lies outside the hard range",
    "unseen": "is none of the column's values",
    "bad_time": "is no time or date in the column's formats, or one that never was",
    "naive_time": "is a time without its offset from UTC",
    "unknown_class": "is none of the target's classes",
    "too_long": "is longer than 10,000 characters",
}
WARNINGS: Final = {
    "imputed": "missing, which the model is told",
    "unseen": "a category that training has not seen",
    "soft_range": "outside the usual range",
    "repaired": "repaired to a number",
}


EXAMPLES: Final = 3
"""Rows that are named for each reason."""


class Tally:
    """What the contract made of a table that comes in parts."""

    def __init__(self) -> None:
        self.rows = self.clean = self.labelled = 0
        self.reasons: Counter[str] = Counter()
        self.warnings: Counter[str] = Counter()
        self.nulls: Counter[str] = Counter()
        self.examples: dict[str, list[str]] = {}

    def add(self, checked: Checked) -> None:
        """Count one part."""
        self.rows += checked.clean.height + checked.quarantine.height
        self.clean += checked.clean.height
        self.labelled += checked.clean.height - checked.clean.get_column("_label").null_count()
        self.reasons.update(checked.counts)
        found = checked.clean.get_column("_warnings").explode().drop_nulls().value_counts()
        self.warnings.update(dict(found.iter_rows()))
        for column in checked.clean.iter_columns():
            if column.name not in RESERVED and column.null_count():
                self.nulls[column.name] += column.null_count()
        self._note_examples(checked.quarantine)

    def _note_examples(self, quarantine: pl.DataFrame) -> None:
        """Keep the first rows of each reason by what stands behind the colon of `_offset`: a row's number."""
        if not quarantine.height or "_offset" not in quarantine.columns:
            return
        places = quarantine.select("_offset", reason="reasons").explode("reason")
        for reason, offsets in (
            places.group_by("reason", maintain_order=True).agg(pl.col("_offset").head(EXAMPLES)).rows()
        ):
            kept = self.examples.setdefault(reason, [])
            kept += [str(offset).rpartition(":")[2] for offset in offsets[: EXAMPLES - len(kept)]]

    def facts(self, contract: Contract) -> Mapping[str, object]:
        """Return what was found by column, and the rows that stand as examples of each reason; for programs."""
        return {"columns": dict(self._by_column(contract)), "examples": dict(self.examples)}

    def _by_column(self, contract: Contract) -> Iterator[tuple[str, Mapping[str, int]]]:
        for column in contract.columns:
            refused = sum(rows for reason, rows in self.reasons.items() if reason.rpartition(":")[0] == column.name)
            warned = sum(rows for warning, rows in self.warnings.items() if warning.partition(":")[2] == column.name)
            yield column.name, {"refused": refused, "warned": warned, "null": self.nulls[column.name]}

    def report(self, contract: Contract) -> tuple[str, ...]:
        """Return how the rows fared: how many are clean, then each reason and warning, the most frequent first."""
        bad = self.rows - self.clean
        share = bad / self.rows if self.rows else 0.0
        are = "is" if 1 in {self.clean, self.rows} else "are"
        head = f"{self.clean:,} of {_rows(self.rows)} {are} clean; {bad:,} in quarantine ({share:.1%})."
        reasons = [self._reason(name, count, contract) for name, count in self.reasons.most_common()]
        warnings = [_warning(name, count) for name, count in self.warnings.most_common()]
        still = [name for name, facts in self._by_column(contract) if not any(facts.values())]
        order = f"Nothing to say of {len(still):,} of {len(contract.columns):,} columns."
        labelled = f"{self.labelled:,} of the clean rows have a label in '{contract.target.column}'."
        return (head, *reasons, *warnings, order, labelled)

    def _reason(self, name: str, rows: int, contract: Contract) -> str:
        places = self.examples.get(name, [])
        more = ", ..." if rows > len(places) else ""
        where = f"; for example row {', '.join(places)}{more}" if places else ""
        column, code = name.rsplit(":", 1)
        rule = next((rule for rule in contract.rules if column == "rule" and rule.name == code), None)
        if rule is not None:
            return f"Rule '{code}' is broken: {_rows(rows)} ({rule.where}){where}."
        return f"'{column}' {MEANINGS[code]}: {_rows(rows)} ({code}){where}."


def _warning(text: str, rows: int) -> str:
    kind, column = text.split(":", 1)
    if kind == "rule":
        return f"Rule '{column}' is broken in {_rows(rows)} (warning rule)."
    return f"'{column}' is {WARNINGS[kind]} in {_rows(rows)} (warning {kind})."


def _rows(count: int) -> str:
    return f"{count:,} row" if count == 1 else f"{count:,} rows"
