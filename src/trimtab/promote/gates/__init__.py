"""Conditions on a challenger, one file each; `base.py` holds the role that a stranger's gate fills."""

from trimtab import plugins
from trimtab.nouns import Evidence, Judgement, Project
from trimtab.promote.gates.base import Gate

__all__ = ["Gate", "judge", "open_gates"]


def open_gates(project: Project) -> tuple[Gate, ...]:
    """Return the gates that `[gates] use` names, in that order; UsageError for an unknown name.

    Where exactly one Version answers, `paired` comes on top: nothing later could put a worse one right as gently.
    """
    names = project.gates.use
    if project.promote.style == "switch" and "paired" not in names:
        names = (*names, "paired")
    return tuple(plugins.load("gates", name)(project) for name in names)


def judge(project: Project, evidence: Evidence) -> tuple[Judgement, ...]:
    """Return what each gate of the project says about the challenger."""
    return tuple(gate.judge(evidence) for gate in open_gates(project))
