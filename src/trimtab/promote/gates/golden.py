"""Gate `golden`: the stored Version answers its golden rows bit for bit, in a process that may crash without harm."""

from dataclasses import dataclass
from typing import ClassVar

from trimtab.nouns import Evidence, Judgement, Project, State


@dataclass(frozen=True, slots=True)
class Golden:
    """Passes where `evidence.golden` is empty; otherwise that text says what went wrong."""

    name: ClassVar[str] = "golden"

    def judge(self, evidence: Evidence) -> Judgement:
        """Return what came of the golden rows; CANNOT_TELL where nobody asked."""
        if evidence.golden is None:
            return Judgement(self.name, State.CANNOT_TELL, ("cannot tell: the golden rows were not asked",))
        if evidence.golden:
            return Judgement(self.name, State.FAIL, (f"the golden rows were not answered: {evidence.golden}",))
        return Judgement(self.name, State.PASS, ("all golden rows were answered as at the fit, bit for bit",))


def build(_project: Project) -> Golden:
    """Return the gate; it has no settings."""
    return Golden()
