"""AutoGluon, medium quality, on one sample: python models_autogluon.py FOLDER SECONDS THREADS. In its own environment.

Without the extras that need PyTorch: its LightGBM, CatBoost, XGBoost and forests, and their weighted ensemble.
"""

import json
import sys
import tempfile
from pathlib import Path

import pandas as pd
from autogluon.tabular import TabularPredictor


def main(folder: Path, seconds: float, threads: int) -> None:
    told = json.loads((folder / "task.json").read_text(encoding="utf-8"))
    train, test = (pd.read_parquet(folder / f"{part}.parquet") for part in ("train", "test"))
    for name in train.drop(columns="target").select_dtypes(exclude="number"):
        train[name] = train[name].astype("category")
        known = train[name].cat.categories
        test[name] = pd.Categorical(test[name].where(test[name].isin(known)), categories=known)
    regression = told["task"] == "regression"
    with tempfile.TemporaryDirectory() as place:
        model = TabularPredictor(
            label="target",
            problem_type=told["task"],
            eval_metric="root_mean_squared_error" if regression else "log_loss",
            path=place,
            verbosity=0,
        )
        model.fit(train, time_limit=seconds, presets="medium_quality", num_cpus=threads)
        answers = model.predict(test) if regression else model.predict_proba(test)
        classes = [] if regression else [str(one) for one in answers.columns]
        found = {"answers": answers.to_numpy().tolist(), "classes": classes, "about": " ".join(model.model_names())}
    (folder / "autogluon.json").write_text(json.dumps(found), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3]))
