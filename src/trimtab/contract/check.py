"""What the contract made of a table, in sentences for people. No value of a row is ever repeated."""

from collections import Counter
from typing import Final

from trimtab.contract.clean import Checked
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


class Tally:
    """What the contract made of a table that comes in parts."""

    def __init__(self) -> None:
        self.rows = self.clean = self.labelled = 0
        self.reasons: Counter[str] = Counter()
        self.warnings: Counter[str] = Counter()

    def add(self, checked: Checked) -> None:
        """Count one part."""
        self.rows += checked.clean.height + checked.quarantine.height
        self.clean += checked.clean.height
        self.labelled += checked.clean.height - checked.clean.get_column("_label").null_count()
        self.reasons.update(checked.counts)
        found = checked.clean.get_column("_warnings").explode().drop_nulls().value_counts()
        self.warnings.update(dict(found.iter_rows()))

    def report(self, contract: Contract) -> tuple[str, ...]:
        """Return how the rows fared: how many are clean, then each reason and warning, the most frequent first."""
        bad = self.rows - self.clean
        share = bad / self.rows if self.rows else 0.0
        head = f"{self.clean:,} of {_rows(self.rows)} are clean; {bad:,} in quarantine ({share:.1%})."
        reasons = [_reason(name, count) for name, count in self.reasons.most_common()]
        warnings = [_warning(name, count) for name, count in self.warnings.most_common()]
        labelled = f"{self.labelled:,} of the clean rows have a label in '{contract.target.column}'."
        return (head, *reasons, *warnings, labelled)


def _reason(name: str, rows: int) -> str:
    column, code = name.rsplit(":", 1)
    return f"'{column}' {MEANINGS[code]}: {_rows(rows)} ({code})."


def _warning(text: str, rows: int) -> str:
    kind, column = text.split(":", 1)
    return f"'{column}' is {WARNINGS[kind]} in {_rows(rows)} (warning {kind})."


def _rows(count: int) -> str:
    return f"{count:,} row" if count == 1 else f"{count:,} rows"
