"""The table of routes is the app: nothing more, nothing less; and what it says of itself."""

from typing import Any

import httpx
import pytest

from trimtab import clock
from trimtab.serve.app import build_app
from trimtab.serve.routes import ROUTES

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")


def test_the_app_has_the_routes_of_the_table_and_no_other(world: Any, local: Any, tmp_path: Any) -> None:
    app = build_app(local(world.make_project(tmp_path / "p", promoted=None)).desk)
    assert {getattr(route, "path", "?") for route in app.routes} == {route.path for route in ROUTES}


def test_every_route_says_who_may_call_it() -> None:
    opened = {route.path for route in ROUTES if route.scope == "open"}
    assert opened == {"/livez", "/readyz"}
    assert all(route.doc.endswith((".", "?")) for route in ROUTES)
    assert len({(route.method, route.path) for route in ROUTES}) == len(ROUTES)


def test_only_routes_of_the_queue_wait_in_it(world: Any, local: Any, tmp_path: Any, good: dict[str, Any]) -> None:
    """With every place taken they are 429, and the others are answered."""
    worker = local(world.make_project(tmp_path / "p"))
    worker.desk.lane.taken = worker.desk.lane.places
    for route in ROUTES:
        path = route.path.replace("{id}", clock.uuid7())
        reply = worker.ask(good, path) if route.method == "POST" else worker.get(path)
        assert (reply.status_code == 429) == ("queue" in route.limits), route.path
        assert reply.status_code in {200, 429}


@pytest.mark.parametrize("route", [one for one in ROUTES if one.method == "POST"], ids=lambda route: route.path)
def test_a_route_with_a_body_keeps_its_limits(tight: Any, route: Any) -> None:
    many = {"/predict": "rows", "/outcomes": "outcomes"}[route.path]
    assert set(route.limits) == {"body", "rows", "queue"}
    assert tight.ask({many: [{}] * 51}, route.path).json()["code"] == "too_many_rows"
    assert tight.ask(b" " * 1_000_001, route.path).json()["code"] == "too_large"


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.path)
def test_another_method_is_405_and_says_which_one(server: Any, route: Any) -> None:
    path = route.path.replace("{id}", "019a4f0e-0000-7000-8000-000000000000")
    for method in set(METHODS) - {route.method, "HEAD"}:
        reply = server.client.request(method, path)
        assert (reply.status_code, route.method in reply.headers["allow"]) == (405, True)


@pytest.mark.parametrize(
    "path", ["/", "/predict/", "//predict", "/PREDICT", "/predict/../model", "/redoc", "/static/x", "/%2e"]
)
def test_any_other_path_is_404(server: Any, path: str) -> None:
    reply = httpx.request("POST", f"{server.url}{path}", json={})
    assert reply.status_code in {404, 405}
    assert reply.headers["content-type"] == "application/problem+json"


def test_readiness_health_and_model_agree(server: Any) -> None:
    assert server.client.get("/livez").json() == {"status": "live"}
    assert server.client.get("/readyz").json()["status"] == "ready"
    health, model = server.client.get("/healthz").json(), server.client.get("/model").json()
    assert health["version"] == model["version"] == "v1"
    assert health["epoch"] == model["epoch"] == 1
    assert model["question"] == "Will this customer leave?"
    assert [one["name"] for one in model["features"]] == ["size", "age", "plan/type", "color", "member", "Größe (cm)"]


def test_figures_are_named_as_prometheus_wants(server: Any, good: dict[str, Any]) -> None:
    server.ask(good)
    reply = server.client.get("/metrics")
    names = {line.split()[2] for line in reply.text.splitlines() if line.startswith("# TYPE")}
    assert names >= {
        "trimtab_requests_total",
        "trimtab_predictions_total",
        "trimtab_warnings_total",
        "trimtab_latency_seconds",
        "trimtab_spool_records",
        "trimtab_spool_oldest_seconds",
        "trimtab_epoch",
        "trimtab_version_info",
        "trimtab_load_failures_total",
    }
    assert 'trimtab_version_info{model="churn",version="v1",worker="w0"} 1.0' in reply.text
    assert "01a" not in {line.split("{")[-1][:3] for line in reply.text.splitlines()}


def test_every_answer_is_counted_by_route_and_code(server: Any) -> None:
    def counted(labels: str) -> float:
        lines = [line for line in server.client.get("/metrics").text.splitlines() if labels in line]
        return float(lines[0].split()[-1]) if lines else 0.0

    for path, labels in (("/livez", 'code="200",route="/livez"'), ("/nowhere", 'code="404",route="other"')):
        before = counted(labels)
        server.client.get(path)
        assert counted(labels) == before + 1


def test_the_page_is_whole_by_itself(server: Any) -> None:
    reply = server.client.get("/docs")
    assert "script" not in reply.text
    assert "http" not in reply.text.replace("content-type", "")
    assert "default-src 'none'" in reply.headers["content-security-policy"]
    assert "Größe (cm)" in reply.text


def test_the_page_can_be_left_out(world: Any, local: Any, tmp_path: Any) -> None:
    worker = local(world.make_project(tmp_path / "p", serve="docs = false"))
    assert worker.get("/docs").status_code == 404
    assert "/docs" not in worker.get("/openapi.json").json()["paths"]
