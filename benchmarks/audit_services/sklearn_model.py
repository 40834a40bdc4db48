"""Fits a small scikit-learn model and writes it for MLServer or for MLflow: `python sklearn_model.py mlflow`.

MLServer gives its metrics on a port of their own: `python sklearn_model.py mlserver 8002` declares it to the audit too.
"""

import json
import random
import sys
from pathlib import Path

from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

NAMES = ["age", "income", "visits", "member"]


def fit() -> tuple[list[list[float]], object]:
    """Return rows and a model fitted on them."""
    chance = random.Random(1)  # noqa: S311 - rows, not secrets
    rows = [
        [
            float(chance.randint(18, 90)),
            chance.uniform(1e4, 2e5),
            float(chance.randint(0, 50)),
            float(chance.random() < 0.5),
        ]
        for _ in range(400)
    ]
    labels = [int(0.03 * row[0] + row[1] / 8e4 + 0.6 * row[3] + chance.gauss(0, 0.5) > 3.2) for row in rows]
    return rows, make_pipeline(StandardScaler(), LogisticRegression()).fit(rows, labels)


def write_mlserver() -> None:
    """Write model.joblib with the settings that MLServer reads."""
    import joblib

    joblib.dump(fit()[1], "model.joblib")
    settings = {
        "name": "renewals",
        "implementation": "mlserver_sklearn.SKLearnModel",
        "parameters": {"uri": "./model.joblib", "version": "v3"},
        "inputs": [{"name": "row", "datatype": "FP64", "shape": [-1, len(NAMES)]}],
    }
    Path("model-settings.json").write_text(json.dumps(settings), encoding="utf-8")
    Path("audit.toml").write_text(f'metrics = "http://127.0.0.1:{sys.argv[2]}/metrics"\n', encoding="utf-8")


def write_mlflow() -> None:
    """Write the folder `model` with a signature, which is what MLflow checks requests by."""
    import mlflow
    import pandas as pd

    rows, model = fit()
    frame = pd.DataFrame(rows, columns=NAMES)
    signature = mlflow.models.infer_signature(frame, model.predict(frame.to_numpy()))
    mlflow.sklearn.save_model(model, "model", signature=signature, serialization_format="cloudpickle")


if __name__ == "__main__":
    {"mlserver": write_mlserver, "mlflow": write_mlflow}[sys.argv[1]]()
