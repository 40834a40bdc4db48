"""A door that is closed where it says so."""

from collections.abc import Iterator

from trimtab.audit.answer import split_words
from trimtab.audit.client import Reply, is_loopback
from trimtab.audit.probe import About, worst
from trimtab.audit.result import Category, Result, Severity, State
from trimtab.audit.service import JSON, Service, encode

WRONG = "trimtab-audit-wrong-key"
_KEYS = {"authorization", "auth", "key", "token", "secret", "cookie", "apikey"}


class AuthEnforced:
    """The valid request without a key and with a wrong one, where a key is declared or was given to this audit.

    PASS for 401 and 403, WARN for another refusal, FAIL for an answer. N/A where no key is declared or given; MANUAL
    where such a service is on a public host.
    """

    about = About(
        id="security.auth",
        number=39,
        category=Category.SECURITY,
        severity=Severity.MUST,
        weight=4,
        title="The key that is asked for is checked",
        why="The document says that a key is needed, the service answers without: a door that only looks closed.",
        mend="`dependencies=[Depends(check_key)]` on the router, compared in constant time; test both refusals.",
    )

    def run(self, service: Service) -> Result:
        """Knock."""
        names = _key_headers(service)
        if not names and not _is_declared(service):
            if is_loopback(service.client.base) or service.declared.public_demo:
                return Result(State.NOT_APPLICABLE, "no key is declared, and none was given")
            return Result(State.MANUAL, "open to everybody: see whether that is meant")
        return worst(self._ask(service, names))

    def _ask(self, service: Service, names: list[str]) -> Iterator[Result]:
        yield self._judge("without a key", self._knock(service, {}))
        if names:
            yield self._judge("with a wrong key", self._knock(service, {name: _wrong(name) for name in names}))

    def _knock(self, service: Service, headers: dict[str, str]) -> Reply:
        return service.client.send(
            "POST",
            service.path,
            body=encode(service.seed),
            headers={"Content-Type": JSON, **headers},
            anonymous=True,
        )

    def _judge(self, what: str, reply: Reply) -> Result:
        if reply.status in {401, 403}:
            return Result(State.PASS, f"{what}: {reply.told}", reply.exchange)
        state = State.FAIL if reply.accepted or reply.broke else State.WARN
        return Result(state, f"{what}: {reply.told}", reply.exchange)


def _wrong(name: str) -> str:
    return f"Bearer {WRONG}" if name.lower() == "authorization" else WRONG


def _is_declared(service: Service) -> bool:
    asked = service.operation.get("security", (service.openapi or {}).get("security"))
    return bool(asked) and {} not in asked


def _key_headers(service: Service) -> list[str]:
    """Return the headers in which a key travels: those of the audit's own that are called so, else the document's."""
    given = [name for name in service.client.private if _KEYS & set(split_words(name))]
    if given:
        return given
    if not _is_declared(service):
        return []
    schemes = ((service.openapi or {}).get("components") or {}).get("securitySchemes") or {}
    in_header = [scheme["name"] for scheme in schemes.values() if scheme.get("in") == "header" and "name" in scheme]
    return in_header or ["Authorization"]
