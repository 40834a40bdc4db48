"""A line that nobody else reads."""

from urllib.parse import urlsplit

import httpx

from trimtab.audit.client import Reply, is_loopback
from trimtab.audit.probe import About
from trimtab.audit.result import Category, Result, Severity, State
from trimtab.audit.service import Service


class EncryptedLine:
    """https, http redirected to it, and HSTS; not asked of loopback.

    WARN where http is answered beside https, FAIL for http alone.
    """

    about = About(
        id="security.tls",
        number=41,
        category=Category.SECURITY,
        severity=Severity.MUST,
        weight=3,
        title="The line is encrypted",
        why="Whoever carries the traffic reads rows and keys, and can change answers.",
        mend="End TLS in the proxy or host, redirect http there, and send Strict-Transport-Security.",
    )

    def run(self, service: Service) -> Result:
        """Look at the scheme and the headers; ask over http what would be redirected."""
        parts = urlsplit(service.client.base)
        if parts.scheme == "http" and is_loopback(service.client.base):
            return Result(State.NOT_APPLICABLE, "loopback leaves no machine")
        standard = parts.scheme == "https" and parts.port in {None, 443}
        plain = str(httpx.URL(service.client.base).copy_with(scheme="http", port=None, path="/"))
        return judge_line(service.first, service.get(plain) if standard else None)


def judge_line(first: Reply, plain: Reply | None) -> Result:
    """Judge the scheme of an answer, and what http says on the same host, where that was asked."""
    if not first.exchange.url.startswith("https:"):
        return Result(State.FAIL, "http, in the open", first.exchange)
    if plain is not None and plain.accepted:
        return Result(State.WARN, "https, but http answers too", plain.exchange)
    kept = "with" if "strict-transport-security" in first.headers else "without"
    return Result(State.PASS, f"https, {kept} Strict-Transport-Security", first.exchange)
