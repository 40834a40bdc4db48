"""`trimtab path`: the board, and the table of what stands behind it. Each command is imported when it is called."""

import sys
from typing import Annotated

from cyclopts import App, Group, Parameter

from trimtab.cli.options import AsJson
from trimtab.cli.output import console_of, show
from trimtab.cli.path_record import open_mine, tell_notices
from trimtab.errors import UsageError, nearest
from trimtab.path import board
from trimtab.path.standing import stand
from trimtab.path.traps import notice, say_once

COMMANDS = (
    ("gate", "N [--diagnose] [--submit FILE] [--json]", "Where do I stand? Take a stage's test, or try it."),
    ("exam", "1|sql|shell [--practice] [--check] [--submit FILE] [--json]", "Take an exam, or practise for it."),
    ("log", "[KIND] [NAME] [--hours H] [--stage N] [--json]", "Note study, a course, a project; or list them."),
    ("plan", "[--hours-per-week H] [--start DATE] [--ics FILE] [--json]", "A dated plan, corrected by what you log."),
    ("fit", "[--answers a,b,...] [--json]", "Is this the right role? Eight questions."),
)

path = App(
    name="path",
    usage="Usage: trimtab path [COMMAND] ...",
    help_format="markdown",
    group_parameters="Options",
    group_commands=Group("Commands", sort_key=1),
)
for position, (name, form, does) in enumerate(COMMANDS):
    usage = f"Usage: trimtab path {name} {form}"
    path.command(f"trimtab.cli.path_{name}:{name}", name=name, help=does, sort_key=position, usage=usage)


@path.default
def show_board(word: Annotated[str, Parameter(show=False)] = "", /, *, as_json: AsJson = False) -> int:
    """Show where you stand on the way to ML engineer, and what comes next.

    Four stages, each with a test that is a program: the test says when the next one opens. Your record is one file in
    your own data folder, or in TRIMTAB_PATH_HOME; nobody else sees it.
    """
    if word:
        names = [name for name, *_ in COMMANDS]
        raise UsageError(
            f"There is no `trimtab path {word[:40]}`{nearest(word, names) or '.'}",
            hint="trimtab path --help shows them all",
        )
    record = open_mine()
    standing = stand(record)
    if as_json:
        show((), board.as_facts(standing, notice(record), record.notices), as_json=True)
    else:
        told, console = say_once(record), console_of(sys.stdout)
        if console.is_terminal:
            board.draw(standing, told, console)
        else:
            show(board.as_lines(standing, told), {}, as_json=False)
    tell_notices(record)
    return 0
