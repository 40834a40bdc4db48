"""Which fields the model looks at."""

from trimtab.audit.probe import About
from trimtab.audit.probes.behaviour_reacts import is_class
from trimtab.audit.result import Category, Result, Severity, State
from trimtab.audit.service import Service
from trimtab.audit.variation import ask_varied


class Sensitivity:
    """Which fields, changed alone, changed the answer; no verdict on a field that the model need not use here.

    WARN where some fields did not change it, FAIL where none did; MANUAL where the answer is only a class.
    """

    about = About(
        id="behaviour.sensitivity",
        number=26,
        category=Category.BEHAVIOUR,
        severity=Severity.INFORMATIVE,
        weight=0,
        title="Which fields change the answer",
        why="A field that never matters may be mapped wrongly on the way to the model, or asked for in vain.",
        mend="Compare the names of the request with the model's feature names; drop what is not used.",
    )

    def run(self, service: Service) -> Result:
        """Look at rows in which one field differs; they were asked already."""
        base = service.answer(service.first)
        tried: dict[str, bool] = {}
        varied = ask_varied(service)
        for one in varied:
            if len(one.fields) == 1:
                changed = base is not None and one.answer.said != base.said
                tried[one.fields[0]] = tried.get(one.fields[0], False) or changed
        if not tried:
            return Result(State.NOT_APPLICABLE, "no field could be varied alone")
        idle = [name for name, matters in tried.items() if not matters]
        found = {"changed": [name for name, matters in tried.items() if matters], "unchanged": idle}
        if not idle:
            return Result(State.PASS, f"each of {len(tried)} fields changed the answer", numbers=found)
        if len(idle) == len(tried) and is_class(varied):
            return Result(State.MANUAL, "no field changed the class alone, which need not mean anything", numbers=found)
        if len(idle) == len(tried):
            return Result(State.FAIL, f"none of {len(tried)} fields changed the answer alone", numbers=found)
        said = f"{len(idle)} of {len(tried)} fields did not change it: {', '.join(idle[:6])}"
        return Result(State.WARN, said, numbers=found)
