"""The report as plain values, which JSON can hold. docs/audit.md describes each key."""

from typing import Any

from trimtab.audit.readiness import visible_from_outside
from trimtab.audit.run import Report
from trimtab.audit.score import Judged

SCHEMA = 1
"""Version of this form: raised where a key changes its meaning or goes; a new key does not raise it."""


def list_facts(report: Report) -> dict[str, Any]:
    """Return all that a report holds."""
    service = report.service
    return {
        "schema": SCHEMA,
        "rubric": report.rubric,
        "url": report.url,
        "started_at": report.started_at,
        "seconds": report.seconds,
        "requests": report.requests,
        "quick": service.quick,
        "passed": report.passed,
        "score": report.score,
        "stopped": report.stopped or None,
        "sections": [
            {"id": section.name, "title": section.title, "weight": section.weight, "score": rounded(score)}
            for section, score in report.sections
        ],
        "service": {
            "framework": service.framework or None,
            "openapi": service.openapi_path or None,
            "route": service.client.url(service.path),
            "shape": {"kind": service.shape.kind, "path": list(service.shape.path)},
            "fields": [field.name for field in service.fields],
            "seed": service.seed,
            "seed_from": service.seed_from,
        },
        "probes": [_list_probe(one) for one in report.judged],
        "visible_tests": {test.id: test.outside for test in visible_from_outside()},
    }


def rounded(score: float | None) -> float | None:
    """Return a score with one decimal."""
    return None if score is None else round(score, 1)


def _list_probe(one: Judged) -> dict[str, Any]:
    about, result = one.about, one.result
    exchange = result.exchange
    return {
        "id": about.id,
        "number": about.number,
        "category": str(about.category),
        "severity": str(one.severity),
        "state": str(result.state),
        "title": about.title,
        "weight": about.weight,
        "said": result.said,
        "why": about.why,
        "mend": about.mend,
        "request": exchange.curl() if exchange is not None else None,
        "answer": exchange.excerpt() if exchange is not None else None,
        "numbers": dict(result.numbers),
        "seconds": one.seconds,
        "waiver": {"reason": one.waiver.reason, "by": one.waiver.by} if one.waiver is not None else None,
    }
