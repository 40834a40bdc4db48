"""One JSON line on standard error for each event of importance: start, swap, failed request, turn, stop.

Nobody waits for a reader of these lines: where a pipe is full a line is left out, and the next one says how many were.
No line holds a feature value: an unexpected error is told by its class and the place in the code, never by its message.
"""

import logging
import select
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from pathlib import Path
from types import MappingProxyType, TracebackType

import msgspec

from trimtab import clock

_NOTHING: Mapping[str, object] = MappingProxyType({})
_process: dict[str, object] = {}
_left_out = {"lines": 0}
_around: ContextVar[Mapping[str, object]] = ContextVar("facts around an event", default=_NOTHING)


def bind(**facts: object) -> None:
    """Put facts about this process into each line from now on: which worker it is."""
    _process.update(facts)


@contextmanager
def within(facts: Mapping[str, object]) -> Iterator[None]:
    """Put facts into each line that is told inside the block: which request is being answered."""
    token = _around.set(facts)
    try:
        yield
    finally:
        _around.reset(token)


def tell(event: str, **facts: object) -> None:
    """Write one event with its facts, which must be free of feature values."""
    missing = {"left_out": _left_out["lines"]} if _left_out["lines"] else {}
    if not _takes_a_line():
        _left_out["lines"] += 1
        return
    _left_out["lines"] = 0
    line = msgspec.json.encode({"at": clock.now(), "event": event, **_process, **_around.get(), **facts, **missing})
    sys.stderr.write(line.decode() + "\n")
    sys.stderr.flush()


def place(error: BaseException) -> str:
    """Return the class of an error and where it was raised, without its message.

    >>> try:
    ...     int("secret")
    ... except ValueError as error:
    ...     place(error).partition(" ")[0]
    'ValueError'
    """
    where = _last(error.__traceback__)
    return f"{type(error).__name__} at {where}" if where else type(error).__name__


class EventHandler(logging.Handler):
    """Turns the web server's own log records into events."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write one record; an exception only as its place."""
        error = record.exc_info[1] if record.exc_info else None
        facts = {"error": place(error)} if error is not None else {}
        tell("server", level=record.levelname.lower(), message=record.getMessage().strip(), **facts)


def _takes_a_line() -> bool:
    """Return whether standard error takes a line at once. A server that waited for its log would answer nobody."""
    with suppress(OSError, ValueError):  # closed: writing says so
        return bool(select.select([], [2], [], 0)[1])
    return True


def _last(traceback: TracebackType | None) -> str:
    where = ""
    while traceback is not None:
        where = f"{Path(traceback.tb_frame.f_code.co_filename).name}:{traceback.tb_lineno}"
        traceback = traceback.tb_next
    return where
