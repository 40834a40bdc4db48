"""What one writes in five minutes, on one sample: python models_plain.py FOLDER SECONDS THREADS. No search, no budget.

The base rate (or mean), a linear model, a forest of 200 trees, and LightGBM with its default settings.
"""

import json
import sys
from pathlib import Path
from typing import Any

import lightgbm
import pandas as pd
import polars as pl
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler


def make_models(*, regression: bool, threads: int, seed: int) -> dict[str, Any]:
    words, numbers = make_column_selector(dtype_include="category"), make_column_selector(dtype_include="number")
    one_hot = make_column_transformer(
        (OneHotEncoder(handle_unknown="ignore"), words),
        (make_pipeline(SimpleImputer(keep_empty_features=True), StandardScaler()), numbers),
    )
    codes = make_column_transformer(
        (OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1), words), remainder="passthrough"
    )
    trees = {"n_estimators": 200, "n_jobs": threads, "random_state": seed}
    boost = {"n_jobs": threads, "random_state": seed, "verbosity": -1}
    if regression:
        return {
            "base rate": DummyRegressor(),
            "linear": make_pipeline(one_hot, Ridge()),
            "forest": make_pipeline(codes, RandomForestRegressor(**trees)),
            "LightGBM": lightgbm.LGBMRegressor(**boost),
        }
    return {
        "base rate": DummyClassifier(),
        "linear": make_pipeline(one_hot, LogisticRegression(max_iter=2000)),
        "forest": make_pipeline(codes, RandomForestClassifier(**trees)),
        "LightGBM": lightgbm.LGBMClassifier(**boost),
    }


def read_rows(path: Path) -> pd.DataFrame:
    return pd.DataFrame({column.name: column.to_numpy() for column in pl.read_parquet(path)})


def main(folder: Path, _seconds: float, threads: int) -> None:
    told = json.loads((folder / "task.json").read_text(encoding="utf-8"))
    train, test = (read_rows(folder / f"{part}.parquet") for part in ("train", "test"))
    labels, regression = train.pop("target"), told["task"] == "regression"
    for name in train.select_dtypes(exclude="number"):
        train[name] = train[name].astype("category")
        known = train[name].cat.categories
        test[name] = pd.Categorical(test[name].where(test[name].isin(known)), categories=known)
    found = []
    for name, model in make_models(regression=regression, threads=threads, seed=told["seed"]).items():
        model.fit(train, labels)
        answers = model.predict(test) if regression else model.predict_proba(test)
        classes = [] if regression else [str(one) for one in model.classes_]
        found.append({"name": name, "answers": answers.tolist(), "classes": classes})
    (folder / "plain.json").write_text(json.dumps(found), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3]))
