"""The person's record as the `path` commands use it: opened as of now, with its notices on standard error."""

import signal
import sys

from trimtab import clock
from trimtab.cli.failures import fit_terminal
from trimtab.path.record import Record, open_record
from trimtab.path.sitting import close_forgotten


def open_mine() -> Record:
    """Return the record of whoever types, as of now; an exam that was left lying is closed first."""
    record = open_record(clock.now())
    close_forgotten(record)
    return record


def tell_notices(record: Record) -> None:
    """Print what the person must know about the record itself: damage that was mended, a clock turned back."""
    for notice in record.notices:
        print(fit_terminal(f"trimtab: {notice}"), file=sys.stderr)


def asks_person(*, as_json: bool) -> bool:
    """Whether somebody sits there who can be asked."""
    return not as_json and sys.stdin.isatty() and sys.stdout.isatty()


def ask(question: str) -> str:
    """Return what the person types, or an empty text where they type nothing or leave.

    Polars, once imported, takes Ctrl-C for itself, and a waiting question would not end by it.
    """
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        return input(question).strip()
    except EOFError:
        print()
        return ""
