"""An answer that is what was promised."""

from typing import Any

from trimtab.audit.conformity import find_mismatch
from trimtab.audit.probe import About
from trimtab.audit.result import Category, Result, Severity, State
from trimtab.audit.service import Service


class DeclaredReply:
    """The answer matches its declared schema and media type.

    WARN where no schema, or one that says nothing, is declared; FAIL where the answer does not match it.
    """

    about = About(
        id="contract.response",
        number=3,
        category=Category.CONTRACT,
        severity=Severity.SHOULD,
        weight=3,
        title="The answer is what the document declares",
        why="A client that was generated from the document breaks on the first answer.",
        mend="Declare `response_model=` with a pydantic model: FastAPI then documents the answer and keeps to it.",
    )

    def run(self, service: Service) -> Result:
        """Compare the first valid reply with the declared one."""
        first = service.first
        if service.openapi is None:
            return Result(State.NOT_APPLICABLE, "there is no document to compare with", first.exchange)
        content = _declared(service, first.status)
        if not content:
            return Result(State.WARN, f"no schema is declared for HTTP {first.status}", first.exchange)
        media_type = first.headers.get("content-type", "").partition(";")[0].strip().lower()
        if media_type not in content and not {"*/*", "application/*"} & content.keys():
            said = f"'{media_type}' came, declared is {', '.join(sorted(content))}"
            return Result(State.FAIL, said, first.exchange)
        schema = content.get(media_type, {}).get("schema") or {}
        if not schema or schema == {"type": "object"}:
            return Result(State.WARN, "the declared schema says nothing about the answer", first.exchange)
        mismatch = find_mismatch(first.json(), schema)
        if mismatch:
            return Result(State.FAIL, f"the answer does not match its schema: {mismatch}", first.exchange)
        return Result(State.PASS, "the answer matches its schema", first.exchange)


def _declared(service: Service, status: int | None) -> dict[str, Any]:
    responses = service.operation.get("responses") or {}
    response: Any = next((responses[key] for key in (str(status), "2XX", "default") if key in responses), {})
    content = response.get("content") if isinstance(response, dict) else None
    return {str(name).partition(";")[0].strip().lower(): value or {} for name, value in (content or {}).items()}
