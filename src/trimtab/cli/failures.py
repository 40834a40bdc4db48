"""What an error becomes at the command line: lines for a person, an object for a program, an exit code for a script.

Exit codes: 0 ok, 1 a check failed, 2 usage or configuration, 3 environment, 130 interrupted. Numbers are only added.
"""

import json
import sys
from collections.abc import Mapping
from shutil import get_terminal_size
from textwrap import fill
from traceback import print_exception

from cyclopts import (
    CoercionError,
    CycloptsError,
    MissingArgumentError,
    UnknownCommandError,
    UnusedCliTokensError,
)

from trimtab.errors import HostError, TrimtabError, UsageError

INTERRUPTED = 130
EXIT_CODES: tuple[tuple[type[BaseException], int], ...] = (
    (UsageError, 2),
    (HostError, 3),
    (TrimtabError, 1),
    (KeyboardInterrupt, INTERRUPTED),
    (Exception, 3),
)
"""The first class that fits decides. The last line is for what nobody foresaw."""

KINDS: Mapping[object, str] = {int: "a whole number", float: "a number", bool: "no value, or true or false"}
"""What an option of a type takes, in words."""


def exit_code(error: BaseException) -> int:
    """Return the process exit code for an error."""
    return next(code for kind, code in EXIT_CODES if isinstance(error, kind))


def explain_failure(error: BaseException, verb: str) -> TrimtabError:
    """Return any error as one that is written for the person who reads it."""
    if isinstance(error, TrimtabError):
        return error
    if isinstance(error, CycloptsError):
        return UsageError(explain_words(error), hint=" ".join(["trimtab", *verb.split(), "--help"]))
    if isinstance(error, KeyboardInterrupt):
        return TrimtabError("Interrupted.", hint=f"trimtab {verb} again goes on from what is already kept")
    if isinstance(error, ImportError):
        hint = "install trimtab again with its pinned dependencies; --debug shows which import failed"
        return HostError(f"A library cannot be loaded: {error.__cause__ or error}.", hint=hint)
    if isinstance(error, OSError) and error.strerror:
        where = f"{error.filename}: " if error.filename else ""
        return HostError(f"{where}{error.strerror}.", hint="make the file or folder usable, then repeat the command")
    return HostError(
        f"Something nobody foresaw: {type(error).__name__}: {str(error)[:300]}",
        hint="repeat with --debug to see where, and report that with the command that you typed",
    )


def explain_words(error: CycloptsError) -> str:
    """Return what is wrong with the words that were typed."""
    first = next(iter(error.unused_tokens or ()), "")
    if isinstance(error, MissingArgumentError) and error.argument:
        name = error.argument.name
        return f"{name} needs a value behind it." if name in (error.unused_tokens or ()) else f"{name} is missing."
    if isinstance(error, UnknownCommandError):
        return f"'{first}' is no verb; the verb comes first."
    if isinstance(error, UnusedCliTokensError):
        return f"There is no use for {', '.join(map(repr, error.unused_tokens or ()))}."
    if isinstance(error, CoercionError) and error.argument and error.token and error.target_type in KINDS:
        return f"{error.argument.name} takes {KINDS[error.target_type]}, not '{error.token.value}'."
    return str(error).strip()


def report_failure(error: BaseException, verb: str, *, as_json: bool, debug: bool) -> int:
    """Print an error (standard error; with `as_json` also as an object on standard output) and return its exit code."""
    if debug:
        print_exception(error)
    told = explain_failure(error, verb)
    code = exit_code(error if isinstance(error, KeyboardInterrupt) else told)
    print(fit_terminal(f"trimtab: {told}"), file=sys.stderr)
    if as_json:
        print(json.dumps({"error": _as_object(told, code)}, ensure_ascii=False))
    return code


def fit_terminal(text: str) -> str:
    """Return a text whose lines break between words at the terminal's width; unchanged where there is no terminal."""
    if not sys.stderr.isatty():
        return text
    width = get_terminal_size().columns
    lines = (
        fill(line, width, subsequent_indent="    ", break_long_words=False, break_on_hyphens=False)
        for line in text.splitlines()
    )
    return "\n".join(lines)


def _as_object(error: TrimtabError, code: int) -> dict[str, object]:
    return {
        "kind": type(error).__name__,
        "message": error.message,
        "mistakes": [{"where": mistake.where, "what": mistake.what} for mistake in error.mistakes],
        "hint": error.hint,
        "exit_code": code,
    }
