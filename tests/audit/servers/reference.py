"""A well-made prediction service on the standard library alone, and a switch that breaks any one thing of it.

    python tests/audit/servers/reference.py 8080
    MUTANT=numeric.nan python tests/audit/servers/reference.py 8080

It answers whether a customer will renew. Every `broken("...")` below is the smallest change that makes the probe of
that name see its worst state; without a mutant the service passes them all. Its key is KEY, sent as `X-API-Key`.
"""

import json
import math
import os
import random
import sys
import threading
import time
import traceback
import uuid
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.audit.servers.reference_openapi import BOUNDS, CITIES, KEY, REQUIRED, describe

LIMIT = 65_536
DRAIN = 8_000_000
VERSION, TRAINED = "v3", "2026-10-01T06:00:00Z"
BUCKETS = (0.005, 0.05, 0.5, math.inf)


class Problem(Exception):
    """What the client did wrong: a status, a title, and what is wrong with each field."""

    def __init__(self, status: int, title: str, errors: dict[str, str] | None = None, **headers: str) -> None:
        self.status, self.title, self.errors, self.headers = status, title, errors or {}, headers


class Reference(ThreadingHTTPServer):
    """The service: its model, its counters, and what is broken in it."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, port: int = 0, mutant: str = "") -> None:
        super().__init__(("127.0.0.1", port), Handler)
        self.mutant = mutant
        self.lock = threading.Lock()
        self.answered = self.refused = self.busy = 0
        self.seconds: list[float] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def broken(self, name: str) -> bool:
        return self.mutant == name

    def predict(self, row: dict[str, Any]) -> float:
        """Return the probability that the customer renews: a logistic regression."""
        if self.broken("behaviour.order"):
            row = dict(zip(("age", "income", "city", "member"), row.values(), strict=False))
        weights = {"Lisbon": 0.2, "Oslo": -0.1, "Quito": 0.4}
        income = -row["income"] if self.broken("behaviour.direction") else row["income"]
        z = 0.03 * (row["age"] - 45) + income / 80_000 - 1 + weights[row["city"]]
        z += 0.0 if self.broken("behaviour.sensitivity") else 0.6 * row["member"]
        z += 0.01 * row.get("visits", 0) if self.broken("behaviour.invariance") else 0.0
        z += random.uniform(-0.1, 0.1) if self.broken("behaviour.deterministic") else 0.0
        z += len(row) - 4 if self.broken("parsing.duplicates") else 0.0
        z += 0.3 if self.broken("recovery.after") and self.answered > 2 else 0.0
        z = 0.0 if self.broken("behaviour.reacts") else z
        return 1 / (1 + math.exp(-z)) if math.isfinite(z) else z

    def count(self, seconds: float, *, answered: bool) -> None:
        with self.lock:
            self.seconds.append(seconds)
            self.answered += answered
            self.refused += not answered

    def metrics(self) -> str:
        """Return the counters as Prometheus reads them."""
        with self.lock:
            rows = [f'predictions_total{{model="{VERSION}"}} {self.answered}', f"refusals_total {self.refused}"]
            for edge in BUCKETS:
                inside = sum(one <= edge for one in self.seconds)
                label = "+Inf" if edge == math.inf else edge
                rows.append(f'request_duration_seconds_bucket{{le="{label}"}} {inside}')
            rows.append(f"request_duration_seconds_sum {sum(self.seconds):.6f}")
            rows.append(f"request_duration_seconds_count {len(self.seconds)}")
        return "\n".join(rows) + "\n"


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1  # an answer leaves in one piece
    server: Reference

    def version_string(self) -> str:
        return "reference"

    def log_message(self, *_: object) -> None:
        """Say nothing: tests read the answers."""

    def do_GET(self) -> None:
        self.answer(self.read_route)

    def do_HEAD(self) -> None:
        self.answer(self.read_route)

    def do_OPTIONS(self) -> None:
        self.answer(self.read_route)

    def do_POST(self) -> None:
        started = time.perf_counter()
        with self.server.lock:
            self.server.busy += 1
        status = self.answer(self.post_route)
        with self.server.lock:
            self.server.busy -= 1
        self.server.count(time.perf_counter() - started, answered=status == 200)

    def answer(self, route: Any) -> int:
        """Send what the route gives; a Problem becomes problem+json, and anything else a 500 that tells nothing."""
        try:
            status, body, headers = 200, route(), {}
        except Problem as problem:
            status, headers = problem.status, problem.headers
            body = {"type": "about:blank", "title": problem.title, "status": problem.status, "errors": problem.errors}
            if self.server.broken("errors.leak"):
                body["detail"] = traceback.format_exc()
            if self.server.broken("errors.problem_json"):
                body = f"<h1>{problem.title}</h1>"
        except Exception:  # noqa: BLE001 - whatever a mutant raises
            status, headers = 500, {}
            body = {"type": "about:blank", "title": "Internal error", "status": 500}
        self.write(status, body, headers)
        return status

    def write(self, status: int, body: Any, headers: dict[str, str]) -> None:
        text = isinstance(body, str)
        kind = "application/json" if status < 400 else "application/problem+json"
        if text:
            kind = "text/html" if status >= 400 else "text/plain; version=0.0.4"
        content = (body if text else json.dumps(body)).encode()
        broken = self.server.broken
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        if not broken("security.rate_limit"):
            self.send_header("RateLimit-Policy", '"default";q=10000;w=1')
        if not broken("operability.request_id"):
            self.send_header("X-Request-ID", self.headers.get("X-Request-ID") or str(uuid.uuid4()))
        if broken("security.cors") and "Origin" in self.headers:
            self.send_header("Access-Control-Allow-Origin", self.headers["Origin"])
            self.send_header("Access-Control-Allow-Credentials", "true")
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def read_route(self) -> Any:
        """Answer the routes that only read."""
        path, broken = self.path.partition("?")[0], self.server.broken
        if path == "/predict" and broken("contract.method"):
            return {"prediction": "yes"}
        if path in {"/predict", "/feedback"}:
            raise Problem(405, "Method not allowed", Allow="POST")
        if path == "/docs" and broken("security.open_pages"):
            return "how to call it"
        if path == "/.env" and broken("security.exposed"):
            return "DATABASE_PASSWORD=hunter2\n"
        routes: dict[str, Callable[[], Any]] = {
            "/openapi.json": lambda: describe(self.server.mutant),
            "/livez": lambda: {"status": "ok"},
            "/readyz": lambda: {"status": "ready", "model": VERSION},
            "/metrics": self.server.metrics,
            "/model": lambda: {"model_version": VERSION, "trained_at": TRAINED},
        }
        lost = {
            "/openapi.json": "contract.openapi",
            "/livez": "operability.liveness",
            "/readyz": "operability.readiness",
            "/metrics": "operability.metrics",
            "/model": "operability.version",
        }
        if path not in routes or broken(lost[path]):
            raise Problem(404, "Not found")
        return routes[path]()

    def post_route(self) -> Any:
        """Answer the two routes that take a body."""
        content = self.read_body()
        if self.path != "/predict":
            raise Problem(404, "Not found")
        if not self.server.broken("security.auth") and self.headers.get("X-API-Key") != KEY:
            raise Problem(401, "A key is needed", WWW_Authenticate="ApiKey")
        self.check_media_type()
        row = self.check_row(self.decode(content))
        self.dawdle()
        probability = self.server.predict(row)
        reply = {"prediction": "yes" if probability >= 0.5 else "no", "probability": probability}
        if self.server.broken("contract.response"):
            reply["probability"] = f"{probability:.3f}"
        if not self.server.broken("operability.request_id"):
            reply["prediction_id"] = str(uuid.uuid4())
        return reply if self.server.broken("operability.version") else {**reply, "model_version": VERSION}

    def dawdle(self) -> None:
        """Take the time that a mutant takes."""
        broken = self.server.broken
        if broken("performance.latency"):
            time.sleep(0.05)
        if broken("performance.cold_start") and not self.server.answered:
            time.sleep(2.1)
        if broken("performance.burst"):
            time.sleep(0.01)
            if self.server.busy > 4:
                raise RuntimeError("too many at once")

    def read_body(self) -> bytes:
        """Return the body; one that is too large is read to its end, so that the client hears the refusal."""
        length = self.headers.get("Content-Length", "")
        if not length.isdigit():
            self.close_connection = True
            raise Problem(411, "Say the length of the body")
        if int(length) <= LIMIT:
            return self.rfile.read(int(length))
        self.close_connection = True
        left = min(int(length), DRAIN)
        while left > 0:
            left -= len(self.rfile.read(min(left, LIMIT))) or left
        if self.server.broken("parsing.oversized"):
            raise MemoryError(length)
        raise Problem(413, f"At most {LIMIT} bytes")

    def check_media_type(self) -> None:
        media_type = self.headers.get("Content-Type", "application/json").partition(";")[0].strip().lower()
        if media_type != "application/json":
            if self.server.broken("parsing.media_type"):
                raise ValueError(media_type)
            raise Problem(415, "Send application/json")

    def decode(self, content: bytes) -> Any:
        """Return what the JSON text says; anything that is not JSON is refused."""
        broken = self.server.broken
        lenient = broken("numeric.nan") or broken("numeric.infinity")
        if not content and broken("parsing.empty"):
            raise RuntimeError("no body")
        try:
            return json.loads(
                content.decode("utf-8", "replace" if broken("unicode.text") else "strict"),
                parse_constant=float if lenient else self.refuse_constant,
                object_pairs_hook=dict if broken("parsing.duplicates") else self.refuse_duplicates,
            )
        except Problem:
            raise
        except (ValueError, RecursionError) as error:
            deep, digits = isinstance(error, RecursionError), "digits" in str(error)
            faults = {"parsing.nesting": deep, "numeric.extremes": digits}
            faults["parsing.malformed"] = bool(content) and not deep and not digits
            if any(broken(name) and seen for name, seen in faults.items()):
                raise RuntimeError(str(error)) from error
            raise Problem(400, "The body is not valid JSON") from None

    def refuse_constant(self, name: str) -> float:
        raise Problem(400, f"{name} is not JSON")

    def refuse_duplicates(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if len({name for name, _ in pairs}) < len(pairs):
            raise Problem(400, "A key stands twice")
        return dict(pairs)

    def check_row(self, row: Any) -> dict[str, Any]:
        """Return the row where it is right in every field; else all that is wrong with it at once."""
        if not isinstance(row, dict):
            if self.server.broken("parsing.root"):
                row = {**row}
            raise Problem(422, "The body must be an object")
        if self.server.broken("validation.missing"):
            row = {"age": 40, "income": 30_000, "city": "Oslo", "member": False, **row}
        extra = () if self.server.broken("parsing.duplicates") else sorted(set(row) - {*REQUIRED, "visits"})
        errors = {str(name)[:40].encode("ascii", "replace").decode(): "unknown field" for name in extra}
        errors |= {name: "missing" for name in REQUIRED if name not in row}
        for name, value in row.items():
            said = self.check_value(name, value) if name in BOUNDS or name in REQUIRED else ""
            if said:
                errors[name] = said
        if errors:
            if self.server.broken("errors.echo"):
                errors["input"] = json.dumps(dict(self.headers))
            raise Problem(422, "Some fields are wrong", errors)
        return {**row}

    def check_value(self, name: str, value: Any) -> str:
        """Return what is wrong with one value, or nothing."""
        missing = value is None
        if missing:
            return str(value * 2) if self.server.broken("validation.null") else "must not be null"
        if name == "member":
            return "" if isinstance(value, bool) else "must be true or false"
        return self.check_city(value) if name == "city" else self.check_number(name, value)

    def check_number(self, name: str, value: Any) -> str:
        broken = self.server.broken
        if isinstance(value, bool) or not isinstance(value, int | float):
            if broken("validation.type") or (value == "NaN" and broken("numeric.overflow")):
                float(str(value) * 2)
            return "must be a number"
        if isinstance(value, float) and not math.isfinite(value):
            spared = {"numeric.nan": value != value, "numeric.infinity": True, "numeric.overflow": True}  # noqa: PLR0124
            return "" if spared.get(self.server.mutant) else "must be finite"
        low, high = BOUNDS[name]
        if name != "income" and value != int(value):
            return "must be a whole number"
        inside = low <= value <= high or broken("validation.range")
        return "" if inside else f"must be between {low} and {high}"

    def check_city(self, value: Any) -> str:
        if value in CITIES if isinstance(value, str) else False:
            return ""
        if isinstance(value, str) and not value.isascii() and self.server.broken("unicode.text"):
            value.encode()  # a lone surrogate cannot be written
        if self.server.broken("unicode.injection") and "'" in str(value):
            raise RuntimeError('near "--": syntax error')
        if self.server.broken("validation.category") and isinstance(value, str):
            raise KeyError(value)
        return f"must be one of {', '.join(CITIES)}"


if __name__ == "__main__":
    server = Reference(int(sys.argv[1]) if len(sys.argv) > 1 else 8080, os.environ.get("MUTANT", ""))
    print(f"{server.url}, key {KEY}")  # noqa: T201
    server.serve_forever()
