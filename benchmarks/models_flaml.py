"""FLAML on one sample: python models_flaml.py FOLDER SECONDS THREADS. Runs in an environment of its own.

It is told that rows stand in the order of time (`split_type="time"`), as its manual asks for such rows.
"""

import json
import sys
from pathlib import Path

import pandas as pd
from flaml import AutoML


def main(folder: Path, seconds: float, threads: int) -> None:
    told = json.loads((folder / "task.json").read_text(encoding="utf-8"))
    train, test = (pd.read_parquet(folder / f"{part}.parquet") for part in ("train", "test"))
    labels = train.pop("target")
    for name in train.select_dtypes(exclude="number"):
        train[name] = train[name].astype("category")
        known = train[name].cat.categories
        test[name] = pd.Categorical(test[name].where(test[name].isin(known)), categories=known)
    regression = told["task"] == "regression"
    model = AutoML()
    model.fit(
        X_train=train,
        y_train=labels,
        task="regression" if regression else "classification",
        metric="rmse" if regression else "log_loss",
        split_type="time",
        time_budget=seconds,
        n_jobs=threads,
        seed=told["seed"],
        verbose=0,
    )
    answers = model.predict(test) if regression else model.predict_proba(test)
    classes = [] if regression else [str(one) for one in model.classes_]
    found = {"answers": answers.tolist(), "classes": classes, "about": f"{model.best_estimator}"}
    (folder / "flaml.json").write_text(json.dumps(found), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3]))
