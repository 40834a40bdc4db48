"""The table of verbs and the application made of it."""

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version

from cyclopts import App, Group

from trimtab.cli.failures import report_failure
from trimtab.errors import NotBuiltYet, UsageError, nearest

START = Group("Start here", sort_key=1)
MORE = Group("More", sort_key=2)


@dataclass(frozen=True, slots=True)
class Verb:
    """One verb: its name, what follows it, what it does in a line, its group. Its code is `trimtab.cli.NAME:NAME`."""

    name: str
    form: str
    does: str
    group: Group = MORE
    nested: bool = False  # has commands of its own: its code is an App, which tells its usage itself


VERBS = (
    Verb("init", "[DIR] --data FILE --target COLUMN [OPTIONS]", "Make a project from one file of rows.", START),
    Verb("train", "[DIR] [--json]", "Fit the families; keep the best as a Version.", START),
    Verb("serve", "[DIR] [--host ADDRESS] [--port N]", "Answer requests over HTTP and log every answer.", START),
    Verb(
        "up",
        "[DIR] [--host ADDRESS] [--port N] [--workers N]",
        "Serve with several workers, and turn the wheel beside them.",
        START,
    ),
    Verb("demo", "[--keep DIR] [--seed N] [--months N] [--json]", "Turn the whole wheel on a year of flights.", START),
    Verb("path", "[COMMAND] [--json]", "Become an ML engineer: four stages, each with a test.", START, nested=True),
    Verb(
        "audit",
        "URL|--project DIR [--quick] [--html FILE] [--json]",
        "Find out what a live prediction service cannot take.",
        START,
    ),
    Verb("ingest", "[DIR] [--json]", "Read the sources; bad rows go to quarantine."),
    Verb("check", "FILE [--project DIR] [--json]", "Say how a file's rows would fare."),
    Verb("contract", "show|diff [--json]", "Show the contract, or what an edit changed and breaks.", nested=True),
    Verb("quarantine", "list|show|release [--json]", "List, show and release what did not pass.", nested=True),
    Verb(
        "score",
        "[DIR] --input PATH --output PATH [--overwrite] [--json]",
        "Answer a whole file, folder or table; every answer is logged.",
    ),
    Verb(
        "outcomes",
        "[DIR] [--input FILE] [--believe SOURCE] [--json]",
        "Read what really happened from a file.",
    ),
    Verb("tick", "[DIR] [--as-of MOMENT] [--json]", "Turn the wheel once: join, judge, act."),
    Verb("retrain", "[DIR] [--json]", "Refit now and let the gates decide."),
    Verb(
        "replay",
        "[DIR] [--data FILE] [--policies P,...] [--batch B] [--start DATE] [--label-delay K] [--start-offsets 0,1] "
        "[--shuffle SEED] [--report FILE.html] [--json]",
        "Compare policies on the history.",
    ),
    Verb(
        "monitor",
        "[DIR] [--as-of MOMENT] [--picture FILE] [--json]",
        "Tell the newest window's Findings, and what may explain them.",
    ),
    Verb(
        "inject",
        "FILE --kind KIND --output FILE [--start S] [--column C] [--strength X] [--seed N] [--json]",
        "Make a fault in a copy of a stream.",
    ),
    Verb("status", "[DIR] [--lineage] [--json]", "Tell the state of the wheel in sentences."),
    Verb("trials", "[DIR] [--json]", "List what the search tried; show one, compare two.", nested=True),
    Verb("card", "VERSION [--project DIR] [--verify] [--json]", "Tell what a Version is, with numbers that hold."),
    Verb("versions", "[DIR] [--verify] [--json]", "List the Versions and what each one is now."),
    Verb("promote", "VERSION [--project DIR] [--dry-run] [--json]", "Let a Version answer from now on."),
    Verb("rollback", "[DIR] [--dry-run] [--json]", "Let the previous champion answer again."),
    Verb("explain", "ID [--project DIR] [--json]", "Tell all about one Prediction or Decision."),
    Verb("journal", "[DIR] [--verify] [--json]", "Tell every Decision, with its reasons."),
    Verb("erase", "--key VALUE [--project DIR] [--dry-run] [--json]", "Remove a person's rows from everything kept."),
    Verb("store", "tidy [DIR] [--dry-run] [--json]", "Keep the tables small; drop what nobody needs.", nested=True),
    Verb("doctor", "[DIR] [--json]", "Check the machine and the configuration."),
)

SERVING = "the release 'Serving'"
LATER = {
    "keys": SERVING,
    "deploy": "a later release",
}
"""Documented verbs of later releases: they are refused by name, never taken for a typing error."""

INTRODUCTION = (
    "Keep a tabular machine-learning model in production on its course: check rows, serve, log every answer, "
    "measure, retrain, and replace only on evidence."
)
CLOSING = (
    "A verb works on the project in DIR, or in the current folder. `trimtab VERB --help` says more; --json gives one "
    "JSON object where a verb reports; --debug shows the traceback of an error."
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit code."""
    open_closed_streams()
    words = list(sys.argv[1:] if arguments is None else arguments)
    if words[:1] == ["help"]:
        words = [*words[1:2], "--help"]
    flags = words[: words.index("--")] if "--" in words else words
    debug = "--debug" in flags
    if debug:
        words.remove("--debug")
    verb = words[0] if words and words[0] in {known.name for known in VERBS} else ""
    try:
        return _run(words, verb)
    except BrokenPipeError:
        _close_quietly()
        return 0
    except SystemExit as leaving:
        if isinstance(leaving.__context__, BrokenPipeError):  # this is how rich takes a reader that has left
            return 0
        raise
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 - the one place where every error becomes lines and a code
        return report_failure(error, verb, as_json="--json" in flags, debug=debug)


def build_app(called: str = "") -> App:
    """Return the application: every verb registered by dotted text, none imported.

    The verb that is `called` is described by its own docstring instead of its line in the table.
    """
    app = App(
        name="trimtab",
        usage="Usage: trimtab VERB ...",
        help=INTRODUCTION,
        help_epilogue=None if called else CLOSING,
        help_format="markdown" if called else "plaintext",
        group_parameters="Options",
        version=partial(version, "trimtab"),
        suppress_keyboard_interrupt=False,
        result_action="return_value",
    )
    app["--help"].group = app["--version"].group = MORE
    for position, verb in enumerate(VERBS):
        app.command(
            f"trimtab.cli.{verb.name}:{verb.name}",
            name=verb.name,
            help=None if verb.name == called else verb.does,
            group=verb.group,
            sort_key=position,
            **({} if verb.nested else {"usage": f"Usage: trimtab {verb.name} {verb.form}"}),
        )
    return app


def _run(words: Sequence[str], verb: str) -> int:
    if words and not verb and not words[0].startswith("-"):
        raise _refuse_verb(words[0])
    result = build_app(verb)(words, exit_on_error=False, print_error=False, verbose=False)
    sys.stdout.flush()
    return result if isinstance(result, int) else 0


def _refuse_verb(name: str) -> UsageError:
    if name in LATER:
        return NotBuiltYet(
            f"`trimtab {name}` is not built yet: it comes with {LATER[name]}.",
            hint="trimtab --help shows the verbs of this release",
        )
    known = nearest(name, [verb.name for verb in VERBS])
    return UsageError(f"There is no verb '{name}'{known or '.'}", hint="trimtab --help shows all verbs")


def open_closed_streams() -> None:
    """Give a process that was started without some of its streams (`>&-`) ones that swallow what is written.

    The numbers 0 to 2 must be taken: a file that is opened later would get them, and with them what a library prints.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest free number, which is this one
    sys.stdout = sys.stdout or open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115 - a number, for life
    sys.stderr = sys.stderr or open(2, "w", encoding="utf-8", closefd=False)  # noqa: SIM115 - as above


def _close_quietly() -> None:
    """Let go of a standard output whose reader has left (`| head`), so that the last flush stays silent."""
    try:
        sys.stdout.close()
    except OSError:
        return
