"""The bounds of a budget file, checked against a report."""

from collections.abc import Iterator

from trimtab.audit.declare import Budget
from trimtab.audit.result import State
from trimtab.audit.run import Report
from trimtab.errors import UsageError, nearest

LATENCY = "performance.latency"
"""The probe whose number `p95_ms` is meant."""


def check_budget(report: Report, budget: Budget) -> tuple[str, ...]:
    """Return each bound that is broken, in words."""
    return tuple(_broken(report, budget))


def _broken(report: Report, budget: Budget) -> Iterator[str]:
    if budget.score is not None and report.score < budget.score:
        yield f"score {report.score:g} is below {budget.score:g}"
    scores = {section.name: score for section, score in report.sections}
    for name, least in budget.sections.items():
        if name not in scores:
            raise UsageError(f"There is no section '{name}'{nearest(name, scores)}", hint=f"{', '.join(scores)}")
        score = scores[name]
        if score is None or score < least:
            yield f"{name} {'was not measured' if score is None else f'{score:.1f}'}, at least {least:g} is wanted"
    yield from _broken_numbers(report, budget)


def _broken_numbers(report: Report, budget: Budget) -> Iterator[str]:
    states = [one.result.state for one in report.judged]
    failures = states.count(State.FAIL) + states.count(State.ERROR)
    for what, most, found in (
        ("warnings", budget.warnings, states.count(State.WARN)),
        ("failures", budget.failures, failures),
    ):
        if most is not None and found > most:
            yield f"{found} {what}, at most {most} are allowed"
    if budget.p95_ms is not None:
        latency = report.find(LATENCY)
        p95 = latency.result.numbers.get("p95_ms") if latency is not None else None
        if not isinstance(p95, (int, float)) or p95 > budget.p95_ms:
            yield f"p95 {f'{p95:.1f} ms' if isinstance(p95, (int, float)) else 'unknown'}, at most {budget.p95_ms:g} ms"
    for probe in budget.must_pass:
        one = report.find(probe)
        if one is None:
            raise UsageError(f"There is no probe '{probe}'{nearest(probe, (each.about.id for each in report.judged))}")
        if one.result.state != State.PASS:
            yield f"{probe} is {one.result.state}, not PASS"
