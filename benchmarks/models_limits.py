"""What `benchmarks/models.py` measures beside quality: parity of the packaged models, and a Version of many rows."""

import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from models_trimtab import describe, plan, prepare

from trimtab.train.artefact import open_version
from trimtab.train.contest import open_family
from trimtab.train.encode import Encoder
from trimtab.train.families.base import Params, Problem
from trimtab.train.fit import choose, fit
from trimtab.train.labels import encode_labels

WORDS = tuple("abcdefgh")
BUDGET = 60
LARGE = 300_000
RECIPES: dict[str, Params] = {
    "linear": {"C": 1.0},
    "forest": {"leaf_rows": 5, "column_share": 0.4, "trees": 100},
    "boosting": {"leaves": 31, "categories": "sets", "trees": 200},
    "ensemble": {
        "weights": {"linear": 0.3, "boosting": 0.7},
        "linear": {"C": 1.0},
        "boosting": {"leaves": 31, "categories": "sets", "trees": 200},
    },
    "boosting, average of 3": {"members": ({"leaves": 31, "trees": 100}, {"leaves": 7, "trees": 150}, {"trees": 50})},
}


@dataclass(frozen=True, slots=True)
class Large:
    """A whole `trimtab train` in a process of its own."""

    rows: int
    seconds: float
    megabytes: float
    told: str


def make_rows(rows: int, seed: int) -> pl.DataFrame:
    """Return 14 numbers, 6 categories and a target that some of them tell, the first rows the oldest."""
    chance = np.random.default_rng(seed)
    numbers = {f"number{place}": chance.normal(size=rows) for place in range(14)}
    words = {f"word{place}": chance.choice(WORDS, rows) for place in range(6)}
    score = numbers["number0"] * numbers["number1"] + numbers["number2"] + (words["word0"] == "a")
    target = np.where(score + chance.logistic(size=rows) > 0.5, "yes", "no")
    return pl.DataFrame({**numbers, **words, "target": target})


def spoil(rows: pl.DataFrame, seed: int) -> pl.DataFrame:
    """Return the rows with one value in ten null, and one word in ten unseen."""
    chance = np.random.default_rng(seed)
    spoilt = []
    for column in rows.drop("target").iter_columns():
        unseen = (
            pl.when(pl.Series(chance.random(len(rows)) < 0.1)).then(pl.lit("unseen")).otherwise(pl.col(column.name))
        )
        kept = unseen if column.dtype == pl.String else pl.col(column.name)
        spoilt.append(pl.when(pl.Series(chance.random(len(rows)) >= 0.1)).then(kept).alias(column.name))
    return rows.with_columns(spoilt)


def measure_parity(rows: int = 20_000) -> dict[str, float]:
    """Return how far packaged answers are from fitted ones, at most, by family, on rows with nulls and unseen words."""
    contract = describe(make_rows(6_000, 1), "binary")
    known, asked, found = prepare(spoil(make_rows(6_000, 1), 2)), prepare(spoil(make_rows(rows, 3), 4)), {}
    with tempfile.TemporaryDirectory() as place:
        project = plan(Path(place), 0, 2, 7)
        for name, params in RECIPES.items():
            recipe = {"family": name.partition(",")[0], "params": params}
            folder = Path(place) / name
            choice = choose(known, contract, project, recipe=recipe, tell=lambda _: None)
            fit(known, contract, project, choice, folder)
            package = open_version(folder)
            family = open_family(recipe["family"], project)
            encoder = Encoder.fit(contract, known, form=family.form)
            problem = Problem("binary", 2, encoder.categorical, encoder.codes)
            labels = encode_labels(known["_label"], contract.target)
            again = family.fit(
                encoder.encode_frame(known), labels, problem=problem, params=choice.recipe["params"], seed=7, threads=2
            )
            wanted = package.calibration.apply(again.predict(encoder.encode_frame(asked)))
            found[name] = float(np.abs(package.predict(asked) - wanted).max())
    return found


def measure_large(rows: int = LARGE) -> Large:
    """Return what it takes to make a Version of so many rows, from ingested rows to a promoted Version."""
    with tempfile.TemporaryDirectory() as place:
        data, project = Path(place) / "rows.csv", Path(place) / "large"
        make_rows(rows, 5).write_csv(data)
        trimtab = [sys.executable, "-m", "trimtab.cli"]
        init = ["init", str(project), "--data", str(data), "--target", "target", "--order", "file"]
        for words in (init, ["ingest", str(project)]):
            subprocess.run([*trimtab, *words], check=True, capture_output=True)
        started = time.perf_counter()
        done = subprocess.run([*trimtab, "train", str(project)], check=True, capture_output=True, text=True)
        seconds = time.perf_counter() - started
        # The largest of all children so far: no other one of this process has read as many rows.
        memory = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / (1024 if sys.platform == "linux" else 2**20)
        return Large(rows, seconds, memory, done.stdout.splitlines()[0])
