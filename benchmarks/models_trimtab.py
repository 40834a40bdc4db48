"""trimtab on one sample: python models_trimtab.py FOLDER SECONDS THREADS. What `trimtab train` does, less its record.

It chooses and fits on the train part alone, writes a whole Version, opens it and answers the later rows with it.
"""

import json
import sys
import tempfile
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from trimtab import clock
from trimtab.nouns import Column, Contract, Project, Row, Target
from trimtab.train.artefact import Calibrated, open_version
from trimtab.train.fit import choose, fit
from trimtab.train.trials import Notebook


def describe(rows: pl.DataFrame, task: Any) -> Contract:
    """Return the contract of a sample: texts are categories, numbers numbers, rows in the order of time."""
    columns = tuple(
        Column(name, "category", values=tuple(sorted(rows[name].drop_nulls().unique())))
        if kind == pl.String
        else Column(name, "number")
        for name, kind in rows.drop("target").schema.items()
    )
    classes = () if task == "regression" else tuple(sorted(rows["target"].unique()))
    return Contract(
        Row(order="file"), Target("target", task, classes[-1] if task == "binary" else "", classes), columns
    )


def prepare(rows: pl.DataFrame) -> pl.DataFrame:
    """Return rows as the table `clean` holds them."""
    renamed = rows.rename({"target": "_label"}, strict=False)
    return renamed.with_columns(_event_at=pl.lit(None, pl.Datetime("us", "UTC")))


def plan(folder: Path, seconds: float, threads: int, seed: int) -> Project:
    """Return a project with nothing but a budget, threads and a seed."""
    bare = Project("bench", folder, folder / ".trimtab", folder / "contract.toml")
    spec = replace(bare.train, budget=timedelta(seconds=seconds), threads=threads, seed=seed)
    return replace(bare, train=spec)


def main(folder: Path, seconds: float, threads: int) -> None:
    started = clock.monotonic_ns()
    told = json.loads((folder / "task.json").read_text(encoding="utf-8"))
    train, test = (pl.read_parquet(folder / f"{part}.parquet") for part in ("train", "test"))
    contract = describe(train, told["task"])
    with tempfile.TemporaryDirectory() as place:
        project = plan(Path(place), seconds, threads, told["seed"])
        notebook = Notebook()
        choice = choose(prepare(train), contract, project, ledger=notebook, tell=print)
        fit(prepare(train), contract, project, choice, Path(place) / "version")
        package = open_version(Path(place) / "version")
        took = (clock.monotonic_ns() - started) / 1e9
        answers = package.predict(prepare(test))
        raw = answers
        if isinstance(package.predictor, Calibrated):
            raw = package.predictor.raw.predict(package.encoder.encode_frame(prepare(test)))
    if told["task"] == "binary":
        answers, raw = (np.column_stack((1.0 - one, one)) for one in (answers, raw))
    found = {
        "answers": answers.tolist(),
        "raw": raw.tolist(),
        "classes": list(package.classes),
        "about": f"{choice.chosen}, {len(notebook.trials)} trials, {package.calibration.kind}, {took:.0f} s",
        "chosen": choice.chosen,
        "calibration": package.calibration.kind,
        "took": took,
        "recipe": dict(choice.recipe["params"]),
    }
    (folder / "trimtab.json").write_text(json.dumps(found), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3]))
