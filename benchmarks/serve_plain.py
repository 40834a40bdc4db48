"""What people write first: FastAPI, pandas and a scikit-learn pipeline. Run by `benchmarks/serve.py`, elsewhere.

python serve_plain.py fit ROWS.csv FOLDER       fit and keep the pipeline (FOLDER/model.joblib)
python serve_plain.py mlflow FOLDER             keep the same pipeline as an MLflow model (FOLDER/mlflow)
python serve_plain.py serve FOLDER PORT         answer POST /predict; nothing is checked beyond types, nothing logged
"""

import sys
from pathlib import Path

import joblib
import pandas as pd
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OrdinalEncoder

TRUSTED = [
    "sklearn.compose._column_transformer.make_column_selector",
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
]


def fit(rows: str, folder: str) -> None:
    frame = pd.read_csv(rows)
    features = frame.drop(columns="y")
    words = make_column_selector(dtype_exclude="number")
    encode = make_column_transformer((OrdinalEncoder(), words), remainder="passthrough")
    model = make_pipeline(encode, HistGradientBoostingClassifier(max_iter=100))
    joblib.dump(model.fit(features, frame["y"]), Path(folder) / "model.joblib")


def keep_for_mlflow(folder: str) -> None:
    import mlflow.sklearn

    model = joblib.load(Path(folder) / "model.joblib")
    place = str(Path(folder) / "mlflow")
    mlflow.sklearn.save_model(model, place, pyfunc_predict_fn="predict_proba", skops_trusted_types=TRUSTED)


def serve(folder: str, port: str) -> None:
    import uvicorn
    from fastapi import FastAPI
    from pydantic import create_model

    model = joblib.load(Path(folder) / "model.joblib")
    columns = {f"n{number}": (float, ...) for number in range(16)} | {f"c{number}": (str, ...) for number in range(4)}
    row_type = create_model("Row", **columns)
    app = FastAPI()

    def predict(row: row_type) -> dict[str, float | str]:  # type: ignore[valid-type]
        probability = float(model.predict_proba(pd.DataFrame([row.model_dump()]))[0, 1])
        return {"prediction": "yes" if probability >= 0.5 else "no", "probability": probability}

    app.post("/predict")(predict)
    uvicorn.run(app, host="127.0.0.1", port=int(port), log_level="warning", access_log=False)


if __name__ == "__main__":
    {"fit": fit, "mlflow": keep_for_mlflow, "serve": serve}[sys.argv[1]](*sys.argv[2:])
