"""What the contract made of a table, in sentences for people. No value of a row is ever repeated."""

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


def report(checked: Checked, contract: Contract, rows: int) -> tuple[str, ...]:
    """Return sentences about a checked table of `rows` rows: how many are clean, each reason, each warning, labels."""
    clean, bad = checked.clean.height, checked.quarantine.height
    head = f"{clean:,} of {rows:,} rows are clean; {bad:,} go to quarantine ({bad / rows if rows else 0:.1%})."
    reasons = sorted(checked.counts.items(), key=lambda item: -item[1])
    labelled = clean - checked.clean.get_column("_label").null_count()
    told = [head, *(_reason(name, count) for name, count in reasons), *_warnings(checked)]
    return (*told, f"{labelled:,} clean rows have a label in '{contract.target.column}'.")


def _reason(name: str, rows: int) -> str:
    column, code = name.rsplit(":", 1)
    return f"'{column}' {MEANINGS[code]}: {_rows(rows)} ({code})."


def _warnings(checked: Checked) -> list[str]:
    counts = checked.clean.get_column("_warnings").explode().drop_nulls().value_counts(sort=True)
    return [_warning(text, rows) for text, rows in counts.iter_rows()]


def _warning(text: str, rows: int) -> str:
    kind, column = text.split(":", 1)
    return f"'{column}' is {WARNINGS[kind]} in {_rows(rows)} (warning {kind})."


def _rows(count: int) -> str:
    return f"{count:,} row" if count == 1 else f"{count:,} rows"
