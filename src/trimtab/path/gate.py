"""The tests between stages: which ones there are, and when one may be taken."""

from trimtab.errors import NotBuiltYet, Refused
from trimtab.path.record import Record
from trimtab.path.stages import Stage, find_stage
from trimtab.path.standing import passed_stages, say_time, wait


def find_gate(number: int) -> Stage:
    """Return the stage whose test can be taken; NotBuiltYet, in plain words, where it comes with a later release."""
    stage = find_stage(number)
    if not stage.built:
        raise NotBuiltYet(
            f"The test of stage {number} ({stage.name}) is not built yet: it comes with a later release.\n"
            f"It will ask for this: {stage.test}",
            hint="trimtab path shows where you are; trimtab path plan shows what to learn for it",
        )
    return stage


def check_open(record: Record, stage: Stage) -> None:
    """Return quietly where the stage is open; Refused where the one before it is not passed."""
    before = stage.number - 1
    if before and before not in passed_stages(record.attempts()):
        raise Refused(
            f"Stage {stage.number} is locked: stage {before} comes first.",
            hint=f"trimtab path gate {stage.number} --diagnose shows where you stand, at any time",
        )


def check_rested(record: Record) -> None:
    """Return quietly where the next exam may begin; Refused within 24 hours of the last one."""
    pause = wait(record)
    if pause:
        raise Refused(
            f"Your last exam began less than 24 hours ago: the next one may begin in {say_time(pause)}.\n"
            "It is a rule for yourself. Nobody checks it but you: it makes the test something to learn for, "
            "and not something to roll again.",
            hint="trimtab path exam 1 --practice has no clock and no waiting, and explains each miss",
        )
