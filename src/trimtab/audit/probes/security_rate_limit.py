"""A bound for each caller."""

from collections.abc import Mapping

from trimtab.audit.client import is_loopback
from trimtab.audit.probe import About
from trimtab.audit.result import Category, Result, Severity, State
from trimtab.audit.service import Service


class RateLimit:
    """Headers of a rate limit, a 429 during this audit, or one that the document declares.

    WARN where none is seen on loopback or behind a key, FAIL where none is seen and it is open to everybody.
    """

    about = About(
        id="security.rate_limit",
        number=43,
        category=Category.SECURITY,
        severity=Severity.SHOULD,
        weight=2,
        title="Callers are limited",
        why="One loop in one client takes the service from all others, or copies the model answer by answer.",
        mend="Limit in the proxy or with a middleware (slowapi), answer 429 with Retry-After, and document it.",
    )

    def run(self, service: Service) -> Result:
        """Look at all answers so far, and at the document."""
        for reply in service.client.history:
            if reply.status == 429 or _tells_limit(reply.headers):
                return Result(State.PASS, "an answer tells its limit", reply.exchange)
        if "429" in (service.operation.get("responses") or {}):
            return Result(State.PASS, "429 is declared for the predict route")
        if is_loopback(service.client.base) or service.client.private:
            where = "on loopback" if is_loopback(service.client.base) else "behind a key"
            return Result(State.WARN, f"none seen, {where}")
        return Result(State.FAIL, "none seen, and open to everybody")


def _tells_limit(headers: Mapping[str, str]) -> bool:
    return any(name.startswith(("ratelimit", "x-ratelimit", "x-rate-limit")) for name in headers)
