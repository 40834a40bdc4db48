"""A valid call, made from nothing but what the service says of itself."""

from trimtab.audit.document import example_of, json_content
from trimtab.audit.payload import build_value
from trimtab.audit.probe import About
from trimtab.audit.result import Category, Result, Severity, State
from trimtab.audit.service import Service


class ValidCall:
    """The predict route answers a valid request with 2xx.

    WARN where only the user's example is answered and what the document says is refused.
    """

    about = About(
        id="contract.route",
        number=2,
        category=Category.CONTRACT,
        severity=Severity.MUST,
        weight=5,
        title="A valid request is answered",
        why="If a request that follows the description is not answered, nobody can use the service.",
        mend="Give the pydantic model an example (`model_config = {'json_schema_extra': {'examples': [...]}}`) and try "
        "it in a test.",
    )

    def run(self, service: Service) -> Result:
        """Look at how the valid request was made; where the user gave it, try the one of the document too.

        Without any valid request there is no audit, so there is no FAIL.
        """
        first = service.first
        if service.seed_from != "example" or not service.operation or service.shape.kind == "tensors":
            return Result(State.PASS, f"answered {first.told}; the request: {service.seed_from}", first.exchange)
        shown = example_of(service.operation)
        told = build_value(json_content(service.operation.get("requestBody")).get("schema"))
        reply = service.post(told if shown is None else shown)
        if reply.accepted:
            return Result(State.PASS, f"answered {reply.told}, from the document alone", reply.exchange)
        said = f"what the document says is refused ({reply.told}); your example is answered"
        return Result(State.WARN, said, reply.exchange)
