"""What a verb shows: sentences, tables or one JSON object on standard output, progress on standard error."""

import json
import math
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, fields, is_dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, TextIO

from rich.console import Console
from rich.padding import Padding
from rich.status import Status
from rich.table import Table
from rich.text import Text

from trimtab.contract.check import MEANINGS, WARNINGS
from trimtab.metrics.figures import count

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Tell = Callable[[str], None]
WIDE = 10_000  # columns where nobody looks: a pipe gets one sentence per line, whole, so that grep finds it


def show(sentences: Sequence[str], facts: Mapping[str, object], *, as_json: bool) -> None:
    """Print the answer of a verb on standard output: its facts as one JSON object, or its sentences, a line each."""
    if as_json:
        print(json.dumps(plain(facts), ensure_ascii=False))
        return
    console = console_of(sys.stdout)
    for sentence in sentences:
        text = sentence.lstrip(" ")
        hang = (0, 0, 0, len(sentence) - len(text))
        console.print(Padding(Text(text), hang, expand=False) if text else "")


def show_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a plain table on standard output; the last column takes what width is left."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for position, column in enumerate(columns):
        table.add_column(column, no_wrap=position < len(columns) - 1, overflow="fold")
    for row in rows:
        table.add_row(*(cell.replace("[", r"\[") for cell in row))
    console_of(sys.stdout).print(table, highlight=False)


def join_reasons(reasons: Sequence[str]) -> str:
    """Return reasons as one sentence; a Judgement's and a Decision's reasons end without a full stop."""
    return "; ".join(reason.rstrip(".") for reason in reasons) + "."


def suggest(*words: str | Path) -> str:
    """Return the next command, ready to be pasted: a folder with a space in its name is quoted."""
    return f"Next: trimtab {' '.join(quote(str(word)) for word in words)}"


def count_rules(reasons: Mapping[str, int]) -> tuple[str, ...]:
    """Return a line for each rule that rows broke ("field:code"), the most frequent one first."""
    return _count_lines({_explain_reason(reason): rows for reason, rows in reasons.items()})


def count_warnings(warnings: Mapping[str, int]) -> tuple[str, ...]:
    """Return a line for each warning ("kind:field"), the most frequent one first."""
    return _count_lines({_explain_warning(warning): rows for warning, rows in warnings.items()})


def _count_lines(told: Mapping[str, int]) -> tuple[str, ...]:
    ordered = sorted(told.items(), key=lambda item: (-item[1], item[0]))
    return tuple(f"  {what}: {count(rows, 'row')}" for what, rows in ordered)


def _explain_reason(reason: str) -> str:
    column, _, code = reason.rpartition(":")
    if column == "rule" and code not in MEANINGS:
        return f"rule '{code}' is broken"
    if column and code in MEANINGS:
        return f"'{column}' {MEANINGS[code]} ({code})"
    if reason.startswith("line:"):
        return f"no row: {reason.removeprefix('line:')}"
    return {"unreadable_line": "no row, see the column errors", "model_failed": "the model gave no answer"}.get(
        reason, reason
    )


def _explain_warning(warning: str) -> str:
    kind, _, column = warning.partition(":")
    if kind == "rule":
        return f"rule '{column}' is broken (warning rule)"
    return f"'{column}' is {WARNINGS[kind]} (warning {kind})" if kind in WARNINGS else warning


@contextmanager
def progress(first: str) -> Iterator[Tell]:
    """Give a `tell` for progress on standard error: a moving status on a terminal, plain lines elsewhere.

    `first` is said at once, so that nobody waits before an empty screen.
    """
    console = console_of(sys.stderr)
    if not console.is_terminal:
        _print_progress(first)
        yield _print_progress
        return
    with console.status(first) as status:
        moving = _Moving(console, status, first)
        try:
            yield moving.tell
        finally:
            moving.settle()


def _print_progress(line: str) -> None:
    with suppress(BrokenPipeError):  # that nobody reads it must not stop the work
        print(line, file=sys.stderr, flush=True)


def console_of(stream: TextIO) -> Console:
    """Return a console for a stream: as wide as the terminal, or unlimited where there is none."""
    return Console(file=stream, width=None if stream.isatty() else WIDE, soft_wrap=False)


def as_facts(record: "DataclassInstance") -> dict[str, object]:
    """Return a dataclass as a dictionary that JSON can hold."""
    return {field.name: plain(getattr(record, field.name)) for field in fields(record)}


def plain(value: object) -> object:
    """Return a value as JSON can hold it: dataclasses as objects, times as RFC 3339, a number that is none as null."""
    if is_dataclass(value) and not isinstance(value, type):
        return as_facts(value)
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [plain(item) for item in value]
    return _plain_scalar(value)


def _plain_scalar(value: object) -> object:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, (datetime, date)):
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, timedelta):
        return value.total_seconds()
    return str(value) if isinstance(value, Path) else value


@dataclass
class _Moving:
    """A status that moves in one line; each line that it leaves stays above it, dim."""

    console: Console
    status: Status
    line: str
    told: bool = False

    def tell(self, line: str) -> None:
        """Show a new line; the last one stays above it."""
        self._keep()
        self.line, self.told = line, True
        self.status.update(line.replace("[", r"\["))

    def settle(self) -> None:
        """Leave the last line too, unless the first was the only one."""
        if self.told:
            self._keep()

    def _keep(self) -> None:
        self.console.print(Text(self.line, style="dim"))
