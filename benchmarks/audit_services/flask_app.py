"""A well-made service in Flask: pydantic in strict mode, problem+json, Prometheus, waitress.

python flask_app.py 8080
"""

import sys
import uuid
from typing import Annotated, Literal

import waitress
from flask import Flask, Response, g, jsonify, request
from prometheus_client import Counter, Histogram, generate_latest
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from renewals import about, answer
from werkzeug.exceptions import HTTPException

SECONDS = Histogram("request_seconds", "Time of a request")
PREDICTIONS = Counter("predictions", "Answers of the model", ["prediction"])


class Customer(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid")

    age: Annotated[int, Field(ge=18, le=100)]
    income: Annotated[float, Field(ge=0, le=1_000_000, allow_inf_nan=False)]
    city: Literal["Lisbon", "Oslo", "Quito"]
    member: bool


app = Flask(__name__)
app.config["MAX_CONTENT_LENGTH"] = 64 * 1024


@app.before_request
def begin() -> None:
    g.request_id = request.headers.get("X-Request-ID") or str(uuid.uuid4())


@app.after_request
def end(response: Response) -> Response:
    response.headers["X-Request-ID"] = g.request_id
    return response


@app.post("/predict")
@SECONDS.time()
def predict() -> Response:
    if not request.is_json:
        return problem(415, "Send application/json")
    reply = answer(Customer.model_validate_json(request.get_data()).model_dump())
    PREDICTIONS.labels(reply["prediction"]).inc()
    return jsonify(reply)


@app.get("/healthz")
def healthz() -> Response:
    return jsonify(status="ok")


@app.get("/readyz")
def readyz() -> Response:
    return jsonify(status="ready", **about())


@app.get("/model")
def model() -> Response:
    return jsonify(about())


@app.get("/metrics")
def metrics() -> Response:
    return Response(generate_latest(), content_type="text/plain; version=0.0.4")


@app.errorhandler(ValidationError)
def invalid(error: ValidationError) -> Response:
    errors = [{"field": ".".join(map(str, one["loc"])), "message": one["msg"]} for one in error.errors()]
    malformed = any(one["type"] == "json_invalid" for one in error.errors())
    return problem(400 if malformed else 422, "The request is not valid", errors=errors)


@app.errorhandler(HTTPException)
def refused(error: HTTPException) -> Response:
    response = problem(error.code or 500, error.name)
    response.headers.update({"Allow": ", ".join(error.valid_methods)} if getattr(error, "valid_methods", None) else {})
    return response


def problem(status: int, title: str, **more: object) -> Response:
    response = jsonify(type="about:blank", title=title, status=status, **more)
    response.status_code, response.content_type = status, "application/problem+json"
    return response


if __name__ == "__main__":
    waitress.serve(app, host="127.0.0.1", port=int(sys.argv[1]), ident=None)
