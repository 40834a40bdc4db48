"""What is odd about the columns before anything is learnt: empty, constant, infinite, or the answer in disguise."""

from typing import Any

import numpy as np

from trimtab.errors import DataError, Mistake
from trimtab.nouns import Contract
from trimtab.train.encode import Encoder

BINS = 64
LEAK = 0.9
"""Share of the variance of the labels, of rows not looked at, from which one column alone is called a leak."""
LEAK_OF_NUMBER = 0.98
"""The same for a number, where one honest column can be nearly everything."""


def refuse_infinite(frame: Any, contract: Contract) -> None:
    """Raise DataError where a number of a feature is infinite or no number, naming all such columns."""
    mistakes = []
    for column in contract.features:
        if column.type == "number":
            known = frame.get_column(column.name).drop_nulls().cast(float).to_numpy()
            strange = int(np.count_nonzero(~np.isfinite(known)))
            mistakes += [Mistake(f"columns.{column.name}", f"{strange} values are not finite")] if strange else []
    if mistakes:
        raise DataError(
            "Numbers to learn from must be finite.",
            hint="give the columns a range in contract.toml, so that such rows go to quarantine, and ingest again",
            mistakes=mistakes,
        )


def warn_of_columns(frame: Any, contract: Contract) -> tuple[str, ...]:
    """Return `empty:<column>` and `constant:<column>` for the features that hold nothing to learn from."""
    warnings = []
    for column in contract.features:
        series = frame.get_column(column.name)
        if series.null_count() == len(series):
            warnings.append(f"empty:{column.name}")
        elif series.n_unique() == 1:
            warnings.append(f"constant:{column.name}")
    return tuple(warnings)


def warn_of_leaks(
    encoder: Encoder, learnt: tuple[np.ndarray, np.ndarray], later: tuple[np.ndarray, np.ndarray], classes: int
) -> tuple[str, ...]:
    """Return `leak:<column>:<score>` for every column that alone tells nearly all of the label.

    Matrices are of the form "codes". The score is the share of the labels' variance on the later rows that the mean
    label at the column's number, learnt on the earlier rows, explains; classes count as indicators.
    """
    columns = [block.column for block in encoder.blocks for _ in block.names]
    wanted, truth = _indicators(learnt[1], classes), _indicators(later[1], classes)
    limit = LEAK if classes else LEAK_OF_NUMBER
    scores: dict[str, float] = {}
    for slot, name in enumerate(columns):
        score = _explained(learnt[0][:, slot], wanted, later[0][:, slot], truth)
        scores[name] = max(score, scores.get(name, 0.0))
    return tuple(f"leak:{name}:{score:.3f}" for name, score in scores.items() if score >= limit)


def _indicators(labels: np.ndarray, classes: int) -> np.ndarray:
    if not classes:
        return np.asarray(labels, dtype=np.float64)[:, None]
    indicators: np.ndarray = np.eye(classes)[labels]
    return indicators


def _explained(column: np.ndarray, wanted: np.ndarray, later: np.ndarray, truth: np.ndarray) -> float:
    if not len(later) or np.isnan(column).all():
        return 0.0
    values = np.unique(column[~np.isnan(column)])
    guess = _guess_by_line if len(values) > BINS else _guess_by_value
    error = np.square(truth - guess(column, wanted, later)).sum()
    spread = np.square(truth - truth.mean(axis=0)).sum()
    return float(1.0 - error / spread) if spread > 0 else 0.0


def _guess_by_value(column: np.ndarray, wanted: np.ndarray, later: np.ndarray) -> np.ndarray:
    """Return the mean label of the rows with the same number; a missing one counts as a number of its own."""
    values, places = np.unique(column, return_inverse=True)
    rows, centre = np.bincount(places), wanted.mean(axis=0)
    # One row of the mean beside those of a value keeps a rare one from claiming much.
    means = [(np.bincount(places, one) + centre[k]) / (rows + 1.0) for k, one in enumerate(wanted.T)]
    found = np.minimum(np.searchsorted(values, later), len(values) - 1)
    same = (values[found] == later) | (np.isnan(values[found]) & np.isnan(later))
    guessed: np.ndarray = np.where(same[:, None], np.column_stack(means)[found], centre)
    return guessed


def _guess_by_line(column: np.ndarray, wanted: np.ndarray, later: np.ndarray) -> np.ndarray:
    """Return the mean labels of equally filled bins, joined by lines; the mean of all where the number is missing."""
    known = np.flatnonzero(~np.isnan(column))
    bins = np.array_split(known[np.argsort(column[known], kind="stable")], min(BINS, max(2, len(known) // 8)))
    centres = np.array([column[one].mean() for one in bins])
    lines = [np.interp(later, centres, [labels[one].mean() for one in bins]) for labels in wanted.T]
    guessed: np.ndarray = np.where(np.isnan(later)[:, None], wanted.mean(axis=0), np.column_stack(lines))
    return guessed
