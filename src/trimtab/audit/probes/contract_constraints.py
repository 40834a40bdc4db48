"""Fields that say what they take."""

from trimtab.audit.probe import About
from trimtab.audit.questions import is_open_text
from trimtab.audit.result import Category, Result, Severity, State
from trimtab.audit.service import Service


class FieldsConstrained:
    """The share of fields of which more is said than a type; open text needs no limit.

    Categories may also be told as examples, which is the way of a service that answers unseen ones with a warning.

    PASS from 80 % of the fields, WARN from 30 %, FAIL below.
    """

    about = About(
        id="contract.constraints",
        number=4,
        category=Category.CONTRACT,
        severity=Severity.SHOULD,
        weight=3,
        title="Fields declare their categories and bounds",
        why="Where 'a number' is all that is said, -1 years and 1e308 euros are as good as any other value.",
        mend="Use `Literal[...]` or an Enum for categories and `Field(ge=..., le=...)` for numbers.",
    )

    def run(self, service: Service) -> Result:
        """Count the declared fields that are constrained."""
        declared = [field for field in service.fields if field.declared and not is_open_text(service, field)]
        if not declared:
            return Result(State.NOT_APPLICABLE, "no fields are declared")
        free = [field.name for field in declared if not field.constrained]
        share = 1 - len(free) / len(declared)
        state = State.PASS if share >= 0.8 else State.WARN if share >= 0.3 else State.FAIL
        more = f"; without: {', '.join(free[:6])}" if free else ""
        said = f"{len(declared) - len(free)} of {len(declared)} fields declare categories, bounds or a format{more}"
        return Result(state, said, numbers={"fields": len(declared), "constrained": len(declared) - len(free)})
