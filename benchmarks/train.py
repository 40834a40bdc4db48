"""Speed of a Version's answers: 20 columns, 200 trees. Run: python benchmarks/train.py [ROWS].

Prints the median microseconds of encoding and of answering one row, and the seconds of fitting, opening and asking the
golden rows in their child process.
"""

import statistics
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from trimtab import clock
from trimtab.nouns import Column, Contract, Project, Row, Target
from trimtab.train.artefact import open_version
from trimtab.train.fit import choose, fit
from trimtab.train.golden import try_version

CARRIERS = ("AA", "B6", "DL", "EV", "UA", "US", "WN")
RECIPES: dict[str, dict[str, Any]] = {
    "linear": {"C": 1.0},
    "boosting": {"leaves": 31, "categories": "sets", "trees": 200},
    "forest": {"leaf_rows": 5, "column_share": 0.4, "trees": 100},
}
RECIPES["ensemble"] = {"weights": {"linear": 0.3, "boosting": 0.7}} | {
    one: RECIPES[one] for one in ("linear", "boosting")
}


def build_contract() -> Contract:
    numbers = [Column(f"number{n}", "number") for n in range(14)]
    words = [Column(f"carrier{n}", "category", values=CARRIERS) for n in range(6)]
    return Contract(Row(order="file"), Target("late", "binary", "yes", ("no", "yes")), (*numbers, *words))


def build_frame(rows: int) -> pl.DataFrame:
    chance = np.random.default_rng(7)
    numbers = {f"number{n}": chance.normal(size=rows) for n in range(14)}
    words = {f"carrier{n}": chance.choice([*CARRIERS, "new"], rows) for n in range(6)}
    late = numbers["number0"] + (words["carrier0"] == "AA") + chance.logistic(size=rows) > 0.5
    labels = {"_label": np.where(late, "yes", "no")}
    return pl.DataFrame({**numbers, **words, **labels}).with_columns(_event_at=pl.lit(None, pl.Datetime("us", "UTC")))


def seconds(call: Callable[[], object]) -> float:
    start = clock.monotonic_ns()
    call()
    return (clock.monotonic_ns() - start) / 1e9


def microseconds(call: Callable[[Any], object], rows: Sequence[Any]) -> float:
    return statistics.median(seconds(lambda row=row: call(row)) for row in rows) * 1e6  # type: ignore[misc]  # bound here


def measure(family: str, frame: pl.DataFrame, folder: Path) -> str:
    contract = build_contract()
    project = Project("bench", folder, folder / ".trimtab", folder / "contract.toml")
    recipe = {"family": family, "params": RECIPES[family]}
    choice = choose(frame, contract, project, recipe=recipe, tell=lambda _: None)
    fitting = seconds(lambda: fit(frame, contract, project, choice, folder / family))
    opening = seconds(lambda: open_version(folder / family).close())
    golden = seconds(lambda: try_version(folder / family))
    package = open_version(folder / family)
    values = frame.select([column.name for column in contract.columns]).rows()[:5000]
    encode, whole = package.encoder.compile_row(), package.compile_row()
    return (
        f"{family}: encode {microseconds(encode, values):.1f} us, with answer {microseconds(whole, values):.1f} us a "
        f"row; fit {fitting:.2f} s, open {opening * 1e3:.0f} ms, golden rows {golden:.2f} s"
    )


def main(rows: int) -> None:
    frame = build_frame(rows)
    with tempfile.TemporaryDirectory() as folder:
        for family in RECIPES:
            print(measure(family, frame, Path(folder)))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 20_000)
