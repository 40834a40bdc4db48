"""A description of the service that a machine can read."""

from trimtab.audit.probe import About
from trimtab.audit.result import Category, Result, Severity, State
from trimtab.audit.service import Service


class DocumentFound:
    """The OpenAPI document at a usual place, and whether it is valid.

    WARN where it is found but not valid, FAIL where there is none.
    """

    about = About(
        id="contract.openapi",
        number=1,
        category=Category.CONTRACT,
        severity=Severity.SHOULD,
        weight=3,
        title="There is a valid OpenAPI document",
        why="Whoever calls the service has to guess its fields, and no tool can make a client or a test of it.",
        mend="FastAPI writes /openapi.json by itself: leave `openapi_url` on, and type the body with a pydantic model.",
    )

    def run(self, service: Service) -> Result:
        """Judge what discovery found; nothing more is asked."""
        if service.openapi is None:
            return Result(State.FAIL, "no OpenAPI document at the usual places")
        version = str(service.openapi.get("openapi") or service.openapi.get("swagger") or "without a version")
        if service.openapi_problems:
            return Result(State.WARN, f"found, but not valid: {'; '.join(service.openapi_problems[:3])}")
        return Result(State.PASS, f"OpenAPI {version} at {service.openapi_path or 'the place that was given'}")
