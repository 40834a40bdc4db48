"""Audits of services in other frameworks and servers: no FAIL but those that docs/audit_services.md explains."""

import json

import pytest
from benchmarks import audit as bench

pytestmark = pytest.mark.world

EXPLAINED = {
    "flask": {"contract.openapi"},
    "litestar": {"unicode.text", "parsing.nesting"},
    "django": {"contract.openapi"},
    "bentoml": {"operability.request_id"},
    "mlserver": {
        *("validation.missing", "validation.type", "validation.null", "validation.range", "numeric.overflow"),
        *("unicode.text", "unicode.injection", "parsing.oversized", "errors.problem_json"),
    },
    "mlflow": {
        *("numeric.extremes", "parsing.media_type", "parsing.nesting", "operability.readiness", "operability.metrics"),
        *("operability.version", "operability.request_id", "errors.problem_json", "errors.leak"),
    },
}


@pytest.mark.parametrize("name", sorted(EXPLAINED))
def test_nothing_fails_that_a_reviewer_would_dispute(name: str) -> None:
    try:
        with bench.running(name) as place:
            report = json.loads(bench.ask(name, place, "--json"))
    except bench.Unavailable as error:
        pytest.skip(str(error))
    bad = {probe["id"]: probe["said"] for probe in report["probes"] if probe["state"] in {"FAIL", "ERROR"}}
    assert bad.keys() <= EXPLAINED[name], bad
