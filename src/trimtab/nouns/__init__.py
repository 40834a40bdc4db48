"""The eleven nouns of the wheel, as frozen dataclasses of the standard library.

Project · Contract · Snapshot · Version · Trim · Prediction · Outcome · Window · Finding · Verdict · Decision
"""

from trimtab.nouns.contract import Column, Contract, Row, Target, Task
from trimtab.nouns.identity import canonical, fingerprint
from trimtab.nouns.project import Project, RetrainSpec, SourceSpec, Span
from trimtab.nouns.record import Member, Moment, Outcome, Prediction, Snapshot, Trim, Version, Window
from trimtab.nouns.verdict import (
    Action,
    Decision,
    Evidence,
    Finding,
    Hypothesis,
    Interval,
    Judgement,
    PairedSlice,
    PromisedSlice,
    State,
    Verdict,
)

__all__ = [
    "Action",
    "Column",
    "Contract",
    "Decision",
    "Evidence",
    "Finding",
    "Hypothesis",
    "Interval",
    "Judgement",
    "Member",
    "Moment",
    "Outcome",
    "PairedSlice",
    "Prediction",
    "Project",
    "PromisedSlice",
    "RetrainSpec",
    "Row",
    "Snapshot",
    "SourceSpec",
    "Span",
    "State",
    "Target",
    "Task",
    "Trim",
    "Verdict",
    "Version",
    "Window",
    "canonical",
    "fingerprint",
]
