"""Reasons to retrain, one file each; `base.py` holds the role that a stranger's trigger fills."""

from trimtab import plugins
from trimtab.nouns import Evidence, Judgement, Project
from trimtab.retrain.triggers.base import Trigger

__all__ = ["ALARMS", "Trigger", "judge", "open_triggers"]


def open_triggers(project: Project) -> tuple[Trigger, ...]:
    """Return the triggers that `[triggers] use` names, in that order; UsageError for an unknown name."""
    return tuple(plugins.load("triggers", name)(project) for name in project.triggers.use)


ALARMS = ("risk", "opportunity")
"""Triggers that say that something has changed; they are asked, and alarm, also where they may not retrain."""


def judge(project: Project, evidence: Evidence) -> tuple[Judgement, ...]:
    """Return what each trigger of the project says, then the alarms that it does not list.

    One FAIL of a listed one is enough to ask for a retrain.
    """
    rest = (plugins.load("triggers", name)(project) for name in ALARMS if name not in project.triggers.use)
    return tuple(trigger.judge(evidence) for trigger in (*open_triggers(project), *rest))
