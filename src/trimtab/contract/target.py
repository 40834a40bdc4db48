"""The label's column -> the Target: its task, its classes, and which of two is the positive one."""

from typing import Final

import polars as pl

from trimtab.contract.columns import compile_target
from trimtab.contract.labels import NOT_LABELLED
from trimtab.contract.reading import BLANKS, NUMBER
from trimtab.errors import DataError, UsageError
from trimtab.metrics.figures import count
from trimtab.nouns.contract import Target, Task

FEWEST_LABELLED: Final = 200
FEWEST_OF_A_CLASS: Final = 10
MOST_CLASSES: Final = 100
FEW_NUMBERS: Final = 20
POSITIVE_WORDS: Final = frozenset({"yes", "true", "1", "t", "y"})
TASKS: Final[dict[str, Task]] = {"binary": "binary", "multiclass": "multiclass", "regression": "regression"}


def guess_target(raw: pl.Series, task: str | None) -> tuple[Target, tuple[str, ...]]:
    """Return the target and sentences about it. `task` is what the user asked for, if anything.

    Raises `DataError` for fewer than 200 labelled rows, one class or too many; `UsageError` for a task that cannot be.
    """
    labels, numeric = _labels(raw)
    if labels.len() < FEWEST_LABELLED:
        what = f"'{raw.name}' is labelled in {labels.len():,} of {raw.len():,} rows; {FEWEST_LABELLED} are needed."
        raise DataError(what, hint="collect more labelled rows, or name another --target")
    distinct = labels.n_unique()
    if distinct == 1:
        raise DataError(f"'{raw.name}' has the same value in every labelled row.", hint="name another --target")
    chosen = TASKS.get(task or "") or _guess_task(distinct, numeric=numeric)
    if chosen == "regression":
        return _regression(raw, labels.len())
    return _classification(raw.name, labels, chosen, numeric=numeric)


def _labels(raw: pl.Series) -> tuple[pl.Series, bool]:
    """Return the labels that are there as texts, and whether all are numbers: then 1.0 stands as 1, the same class."""
    if raw.dtype.is_nested() or raw.dtype.is_temporal() or raw.dtype in {pl.Object(), pl.Binary()}:
        raise DataError(f"'{raw.name}' is of type {raw.dtype}, which is no label.", hint="name another --target")
    texts = (raw.fill_nan(None) if raw.dtype.is_float() else raw).cast(pl.String).str.strip_chars(BLANKS).drop_nulls()
    texts = texts.filter(~texts.is_in(sorted(NOT_LABELLED)))
    numeric = texts.str.contains(f"^(?:{NUMBER})$").all() and not texts.str.contains("^[+-]?0[0-9]").any()
    return (texts.str.replace(r"\.0+$", "") if numeric else texts), numeric


def _guess_task(distinct: int, *, numeric: bool) -> Task:
    if numeric and distinct > FEW_NUMBERS:
        return "regression"
    return "binary" if distinct == 2 else "multiclass"


def _regression(raw: pl.Series, labelled: int) -> tuple[Target, tuple[str, ...]]:
    target = Target(raw.name, "regression")
    wrong = compile_target(target)(raw).codes.is_not_null()
    if wrong.any():
        where = f"'{raw.name}' is no finite number in row {int(wrong.arg_max() or 0) + 1:,} of the data"
        raise UsageError(f"--task regression: {where}.", hint="correct that row, or try --task multiclass")
    return target, (f"Target '{raw.name}': a number (regression), {labelled:,} labelled rows.",)


def _classification(name: str, labels: pl.Series, task: Task, *, numeric: bool) -> tuple[Target, tuple[str, ...]]:
    counts: dict[str, int] = dict(labels.alias("label").value_counts().iter_rows())
    if task == "binary" and len(counts) != 2:
        raise UsageError(f"--task binary: '{name}' has {len(counts):,} different values.", hint="try --task multiclass")
    if len(counts) > MOST_CLASSES:
        what = f"'{name}' has {len(counts):,} different values; at most {MOST_CLASSES} classes are supported."
        raise DataError(what, hint="name another --target, or --task regression if it is a number")
    classes = tuple(sorted(counts, key=float) if numeric else sorted(counts))
    shares = ", ".join(f"'{label}' {counts[label] / labels.len():.1%}" for label in classes[:10])
    told = [f"Target '{name}': {task} with {len(classes)} classes ({shares}), {labels.len():,} labelled rows."]
    told += [_rare(label, counts[label]) for label in classes if counts[label] < FEWEST_OF_A_CLASS]
    if task != "binary":
        return Target(name, task, classes=classes), tuple(told)
    positive = _positive(classes, counts)
    return Target(name, task, positive, classes), (*told, f"The positive class is guessed to be '{positive}'.")


def _rare(label: str, rows: int) -> str:
    return f"Class '{label}' has {count(rows, 'row')} only; training needs {FEWEST_OF_A_CLASS}."


def _positive(classes: tuple[str, ...], counts: dict[str, int]) -> str:
    """Return the class that says yes; where none or both do, the rarer one."""
    said = [label for label in classes if label.lower() in POSITIVE_WORDS]
    return said[0] if len(said) == 1 else min(reversed(classes), key=lambda label: counts[label])
