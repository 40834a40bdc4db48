"""Refusals that a program can read."""

from trimtab.audit.client import Reply
from trimtab.audit.probe import About
from trimtab.audit.result import Category, Result, Severity, State
from trimtab.audit.service import Service

PROBLEM = "application/problem+json"


class ProblemJson:
    """All refusals of the predict route so far: problem+json (RFC 9457), or at least one shape of JSON.

    PASS for problem+json, WARN for JSON objects with a key in common, FAIL for text, pages or mixed shapes.
    """

    about = About(
        id="errors.problem_json",
        number=36,
        category=Category.ERRORS,
        severity=Severity.SHOULD,
        weight=2,
        title="Errors have one shape, RFC 9457",
        why="A client that must parse three kinds of error parses none, and shows its users 'something went wrong'.",
        mend="Exception handlers for RequestValidationError, HTTPException and Exception that answer problem+json.",
    )

    def run(self, service: Service) -> Result:
        """Look at what was refused; ask one thing that must be."""
        service.post_raw(b"{")
        url = service.client.url(service.path)
        bad = [
            reply
            for reply in service.client.history
            if reply.exchange.url == url and reply.exchange.method == "POST" and (reply.status or 0) >= 400
        ]
        if not bad:
            return Result(State.NOT_APPLICABLE, "nothing was refused")
        odd = next((reply for reply in bad if not isinstance(reply.json(), dict)), None)
        if odd:
            kind = odd.headers.get("content-type", "no type")
            return Result(State.FAIL, f"{odd.told} is answered as {kind}, no JSON object", odd.exchange)
        plain = next((reply for reply in bad if not _is_problem(reply)), None)
        if plain is None:
            return Result(State.PASS, f"{len(bad)} refusals, all problem+json", bad[-1].exchange)
        shared = set.intersection(*(set(reply.json()) for reply in bad))
        if not shared:
            return Result(State.FAIL, f"{len(bad)} refusals have no key in common", plain.exchange)
        return Result(State.WARN, f"{len(bad)} refusals as JSON with {', '.join(sorted(shared)[:3])}", plain.exchange)


def _is_problem(reply: Reply) -> bool:
    return reply.headers.get("content-type", "").startswith(PROBLEM) and {"title", "status"} <= reply.json().keys()
