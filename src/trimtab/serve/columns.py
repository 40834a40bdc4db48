"""Many rows as columns of the log: what `Package.compile_output` and `store.record` say of one row, for a whole frame.

The texts hold the same values as those of one row online; of a number's several spellings (1e300, 1e+300) they may take
another one. Loads the frame library.
"""

import math
from collections.abc import Sequence

import numpy as np
import polars as pl

from trimtab.contract.row import row_key
from trimtab.nouns import Contract
from trimtab.serve.model import Model

UTC_TEXT, NAIVE_TEXT, DATE_TEXT = "%Y-%m-%dT%H:%M:%S%.6fZ", "%Y-%m-%dT%H:%M:%S%.6f", "%Y-%m-%d"


def json_texts(frame: pl.DataFrame) -> pl.Series:
    """Return each row as the text of a JSON object, columns in their order; times as RFC 3339."""
    if not frame.width:
        return pl.Series(["{}"] * frame.height, dtype=pl.String())
    return (
        frame.select(_writable(column) for column in frame.iter_columns())
        .select(pl.struct(pl.all()).struct.json_encode())
        .to_series()
    )


def are_written_alike(frame: pl.DataFrame, other: pl.DataFrame) -> bool:
    """Return whether two frames give the same texts. Minus zero equals zero, and is written otherwise: that is no."""
    if frame.schema != other.schema or not frame.equals(other):
        return False
    numbers = [column for column in frame.iter_columns() if column.dtype == pl.Float64()]
    return not any((1.0 / column == -math.inf).any() for column in numbers)


def are_finite(answers: np.ndarray) -> np.ndarray:
    """Return which rows have a usable answer."""
    usable: np.ndarray = np.isfinite(answers)
    return usable if usable.ndim == 1 else np.all(usable, axis=1)


def output_columns(model: Model, answers: np.ndarray) -> pl.DataFrame:
    """Return the fields of the reply that finite answers become: `prediction`, and by task what comes with it.

    binary: `probability`; multiclass: `probabilities`, a struct by class; regression: `interval`, two numbers, if any.
    """
    package = model.package
    if package.task == "regression":
        reach = model.reach
        found = pl.DataFrame({"prediction": answers})
        if reach is None:
            return found
        return found.with_columns(interval=pl.concat_list(pl.lit(answers - reach), pl.lit(answers + reach)))
    if package.task == "multiclass":
        weighed = answers * np.array(package.class_costs) if package.class_costs else answers
        names = pl.Series(package.classes, dtype=pl.String())
        shares = pl.DataFrame({name: answers[:, place] for place, name in enumerate(package.classes)})
        chosen = names.gather(weighed.argmax(axis=1))
        return pl.DataFrame({"prediction": chosen, "probabilities": shares.to_struct()})
    limit = 0.5 if model.threshold is None else model.threshold
    negative, positive = package.classes
    chosen = pl.Series((answers >= limit).astype(np.uint32))
    return pl.DataFrame(
        {"prediction": pl.Series([negative, positive], dtype=pl.String()).gather(chosen), "probability": answers}
    )


def prediction_texts(predictions: pl.Series) -> pl.Series:
    """Return classes as they are, numbers as their shortest text."""
    if predictions.dtype == pl.String():
        return predictions
    return pl.Series([repr(number) for number in predictions], dtype=pl.String())


def key_texts(contract: Contract, clean: pl.DataFrame) -> pl.Series:
    """Return each row's key, None where it has none."""
    names = contract.row.key
    if not names:
        return pl.Series([None] * clean.height, dtype=pl.String())
    plain = [clean.schema[name] in {pl.String(), pl.Int64(), pl.Boolean()} for name in names]
    if all(plain):  # their JSON has one spelling, so Polars writes the same text as Python
        texts = json_texts(clean.select(sorted(names)))
        whole = clean.select(pl.all_horizontal(pl.col(names).is_not_null())).to_series()
        return pl.DataFrame({"text": texts, "whole": whole}).select(pl.when("whole").then("text")).to_series()
    columns = [column.name for column in contract.columns]
    return pl.Series([row_key(contract, row) for row in clean.select(columns).iter_rows()], dtype=pl.String())


def numbered_ids(stem: str, count: int) -> pl.Series:
    """Return so many ids that begin with a stem of `clock.uuid7_stem`."""
    return pl.Series([f"{stem}{number:06x}" for number in range(count)], dtype=pl.String())


def count_values(lists: pl.Series) -> dict[str, int]:
    """Return how often each text stands in a column of lists."""
    counted = lists.explode().drop_nulls().value_counts()
    return dict(zip(counted.to_series(0).to_list(), counted["count"].to_list(), strict=True))


def class_columns(classes: Sequence[str], output: pl.DataFrame) -> list[pl.Series]:
    """Return one column a class, or the two ends of an interval, as a table for people shows them."""
    if "probabilities" in output.columns:
        shares = output["probabilities"].struct
        return [shares.field(name).alias(f"probability_{name}") for name in classes]
    if "interval" in output.columns:
        ends = output["interval"].list
        return [ends.get(place).alias(f"interval_{name}") for place, name in enumerate(("low", "high"))]
    return []


def _writable(column: pl.Series) -> pl.Series:
    kind = column.dtype
    if isinstance(kind, pl.Datetime):
        if kind.time_zone is None:
            return column.dt.to_string(NAIVE_TEXT)
        return column.dt.convert_time_zone("UTC").dt.to_string(UTC_TEXT)
    return column.dt.to_string(DATE_TEXT) if isinstance(kind, pl.Date) else column
