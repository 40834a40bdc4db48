"""A well-made service in Litestar: msgspec constraints, its own OpenAPI document and Prometheus middleware, uvicorn.

python litestar_app.py 8080
"""

import sys
import uuid
from typing import Annotated, Any, Literal

import msgspec
import uvicorn
from litestar import Litestar, Request, Response, get, post
from litestar.exceptions import HTTPException
from litestar.openapi import OpenAPIConfig
from litestar.plugins.prometheus import PrometheusConfig, PrometheusController
from litestar.status_codes import HTTP_200_OK
from prometheus_client import Counter
from renewals import about, answer

PREDICTIONS = Counter("model_predictions", "Answers of the model", ["prediction"])


class Customer(msgspec.Struct, forbid_unknown_fields=True):
    age: Annotated[int, msgspec.Meta(ge=18, le=100)]
    income: Annotated[float, msgspec.Meta(ge=0, le=1_000_000)]
    city: Literal["Lisbon", "Oslo", "Quito"]
    member: bool


class Renewal(msgspec.Struct):
    prediction: Literal["yes", "no"]
    probability: float
    model_version: str


@post("/predict", status_code=HTTP_200_OK)
async def predict(data: Customer) -> Renewal:
    reply = answer(msgspec.structs.asdict(data))
    PREDICTIONS.labels(reply["prediction"]).inc()
    return Renewal(**reply)


@get("/healthz")
async def healthz() -> dict[str, str]:
    return {"status": "ok"}


@get("/readyz")
async def readyz() -> dict[str, str]:
    return {"status": "ready", **about()}


@get("/model")
async def model() -> dict[str, str]:
    return about()


def refuse(request: Request[Any, Any, Any], error: HTTPException) -> Response[dict[str, Any]]:
    found = error.extra if isinstance(error.extra, list) else []
    errors = [{"field": one.get("key", ""), "message": one.get("message", "")} for one in found]
    body = {"type": "about:blank", "title": error.detail, "status": error.status_code, "errors": errors}
    return Response(body, status_code=error.status_code, media_type="application/problem+json", headers=error.headers)


def fail(request: Request[Any, Any, Any], error: Exception) -> Response[dict[str, Any]]:
    body = {"type": "about:blank", "title": "Internal error", "status": 500}
    return Response(body, status_code=500, media_type="application/problem+json")


async def name(response: Response[Any]) -> Response[Any]:
    response.headers["X-Request-ID"] = str(uuid.uuid4())
    return response


app = Litestar(
    [predict, healthz, readyz, model, PrometheusController],
    middleware=[PrometheusConfig().middleware],
    exception_handlers={HTTPException: refuse, Exception: fail},
    after_request=name,
    request_max_body_size=64 * 1024,
    openapi_config=OpenAPIConfig(title="Renewals", version="1"),
)

if __name__ == "__main__":
    uvicorn.run(app, port=int(sys.argv[1]), log_level="warning")
