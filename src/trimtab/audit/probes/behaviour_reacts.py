"""A model that is one."""

from trimtab.audit.probe import About
from trimtab.audit.result import Category, Result, Severity, State
from trimtab.audit.service import Service
from trimtab.audit.variation import Varied, ask_varied

FEWEST = 4
LOOSE = 0.011
"""Probabilities that were rounded to two digits still sum to one within this."""


class ModelReacts:
    """Valid rows that differ; probabilities lie between 0 and 1, and sum to 1 where all classes are given.

    PASS from four different answers, or two classes; WARN below; FAIL for one number to all rows, a probability outside
    of 0 and 1, or probabilities that do not sum to 1. MANUAL where fewer than four rows can be made, or all get one
    class.
    """

    about = About(
        id="behaviour.reacts",
        number=25,
        category=Category.BEHAVIOUR,
        severity=Severity.MUST,
        weight=3,
        title="The model reacts to its input, and probabilities are probabilities",
        why="A stub, a fallback or a wrong scaler answers everybody alike, with status 200 and nobody noticing.",
        mend="Test the endpoint with two rows whose answers you know; check `classes_` before naming probabilities.",
    )

    def run(self, service: Service) -> Result:
        """Ask about rows that differ."""
        varied = ask_varied(service)
        if len(varied) < FEWEST:
            said = f"{len(varied)} rows could be varied; an example with other values, or declared bounds, would help"
            return Result(State.MANUAL, said)
        for one in varied:
            wrong = _find_wrong(one)
            if wrong:
                return Result(State.FAIL, wrong, one.reply.exchange)
        different = len({one.answer.said for one in varied})
        said = f"{different} different answers to {len(varied)} rows"
        found = {"rows": len(varied), "different": different}
        if different >= 4 or (different > 1 and is_class(varied)):
            return Result(State.PASS, said, varied[0].reply.exchange, found)
        if different > 1:
            return Result(State.WARN, said, varied[0].reply.exchange, found)
        if is_class(varied):
            said = f"one class to all {len(varied)} rows: a rare other, or a stub? An example near the border tells"
            return Result(State.MANUAL, said, varied[0].reply.exchange, found)
        return Result(State.FAIL, f"one answer to {len(varied)} different rows", varied[0].reply.exchange, found)


def is_class(varied: list[Varied]) -> bool:
    """Whether answers are classes alone: texts, truth values or whole numbers, without any probability."""
    return all(
        not one.answer.probabilities and not (isinstance(one.answer.prediction, float) and one.answer.prediction % 1)
        for one in varied
    )


def _find_wrong(one: Varied) -> str:
    likely = one.answer.probabilities
    outside = [value for value in likely.values() if not 0 <= value <= 1]
    if outside and not all(0 <= value <= 100 for value in likely.values()):
        return f"{outside[0]:g} is called a probability"
    for parent in {path[:-1] for path in likely}:
        group = [value for path, value in likely.items() if path[:-1] == parent]
        named = parent and any(word in parent[-1].lower() for word in ("probabilities", "probs", "probas", "proba"))
        if named and len(group) > 1 and not outside and abs(sum(group) - 1) > LOOSE * len(group) / 2:
            return f"probabilities sum to {sum(group):g}"
    return ""
