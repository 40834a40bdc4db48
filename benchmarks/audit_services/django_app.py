"""A well-made service in Django, in one file: checks written by hand, JSON errors, Prometheus, waitress.

python django_app.py 8080
"""

import json
import math
import sys
import uuid
from collections.abc import Callable
from typing import Any

import waitress
from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import path
from django.views.decorators.http import require_GET, require_POST
from prometheus_client import Counter, Histogram, generate_latest
from renewals import CITIES, about, answer

settings.configure(
    ALLOWED_HOSTS=["127.0.0.1", "localhost"],
    ROOT_URLCONF=__name__,
    SECRET_KEY=uuid.uuid4().hex,
    DATA_UPLOAD_MAX_MEMORY_SIZE=64 * 1024,
    MIDDLEWARE=[f"{__name__}.name_requests"],
    LOGGING_CONFIG=None,
)
SECONDS = Histogram("request_seconds", "Time of a request")
PREDICTIONS = Counter("predictions", "Answers of the model", ["prediction"])
BOUNDS = {"age": (18, 100), "income": (0, 1_000_000)}


def name_requests(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        response["X-Request-ID"] = request.headers.get("X-Request-ID", "").strip()[:100] or str(uuid.uuid4())
        return response

    return middleware


@require_POST
@SECONDS.time()
def predict(request: HttpRequest) -> HttpResponse:
    if request.content_type != "application/json":
        return JsonResponse({"error": "send application/json"}, status=415)
    try:
        row = json.loads(request.body)
    except RequestDataTooBig:
        return JsonResponse({"error": "the body is too large"}, status=413)
    except (ValueError, RecursionError):
        return JsonResponse({"error": "the body is no JSON"}, status=400)
    errors = check(row) if isinstance(row, dict) else {"body": "must be an object"}
    if errors:
        return JsonResponse({"error": "the request is not valid", "fields": errors}, status=422)
    reply = answer(row)
    PREDICTIONS.labels(reply["prediction"]).inc()
    return JsonResponse(reply)


def check(row: dict[str, Any]) -> dict[str, str]:
    """Return what is wrong, by field; unknown fields are ignored."""
    errors = {name: "missing" for name in ("age", "income", "city", "member") if name not in row}
    for name, (low, high) in BOUNDS.items():
        value = row.get(name, low)
        number = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
        if not number or not low <= value <= high:
            errors[name] = f"must be a number from {low} to {high}"
    if "city" in row and row["city"] not in CITIES:
        errors["city"] = f"must be one of {', '.join(CITIES)}"
    if not isinstance(row.get("member", True), bool):
        errors["member"] = "must be true or false"
    return errors


@require_GET
def healthz(request: HttpRequest) -> HttpResponse:
    return JsonResponse({"status": "ok"})


@require_GET
def model(request: HttpRequest) -> HttpResponse:
    return JsonResponse(about())


@require_GET
def metrics(request: HttpRequest) -> HttpResponse:
    return HttpResponse(generate_latest(), content_type="text/plain; version=0.0.4")


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return JsonResponse({"error": "not found"}, status=404)


def failed(request: HttpRequest) -> HttpResponse:
    return JsonResponse({"error": "internal error"}, status=500)


handler404, handler500 = f"{__name__}.not_found", f"{__name__}.failed"
urlpatterns = [
    path("predict", predict),
    path("healthz", healthz),
    path("readyz", model),
    path("model", model),
    path("metrics", metrics),
]

if __name__ == "__main__":
    waitress.serve(get_wsgi_application(), host="127.0.0.1", port=int(sys.argv[1]), ident=None)
