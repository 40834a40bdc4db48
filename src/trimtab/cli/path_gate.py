"""`trimtab path gate`."""

from typing import Annotated

from cyclopts import Parameter

from trimtab.cli.options import AsJson, Flag
from trimtab.cli.path_exam import Check, NewFolder, Python, Script, Submit, Yes, run
from trimtab.path.gate import find_gate


def gate(
    number: Annotated[int, Parameter(name="N", help="Stage, 1 to 4.")],
    /,
    *,
    diagnose: Annotated[bool, Parameter(help="Only say where I stand; nothing is recorded as passed."), Flag] = False,
    check: Check = False,
    submit: Submit = None,
    folder: NewFolder = None,
    script: Script = None,
    python: Python = None,
    yes: Yes = False,
    as_json: AsJson = False,
) -> int:
    """Take the test of a stage; the next stage opens when it is passed.

    The test of stage 1 is its exam; those of stages 2 to 4 come with later releases. With `--diagnose` it can be taken
    at any time, without waiting and from any stage: it says where you stand, and records nothing as passed.
    """
    stage = find_gate(number)
    return run(
        str(stage.number),
        "diagnose" if diagnose else "exam",
        check=check,
        submit=submit,
        folder=folder,
        script=script,
        python=python,
        yes=yes,
        seed=None,
        as_json=as_json,
    )
