"""What a probe says: a state with its reason, and the exchange that shows it."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from shlex import quote

SHOWN = 600
"""Characters of an answer that a report shows."""

_LONGEST = 3_000
_RUN = re.compile(rb"(.{1,8}?)\1{39,}", re.DOTALL)
_PRINTABLE = re.compile(rb"[\t\n\x20-\x7e]*\Z")


class State(StrEnum):
    """One of six states; only PASS passes, ERROR means that the probe itself could not be run."""

    PASS = "PASS"  # noqa: S105 - a state
    WARN = "WARN"
    FAIL = "FAIL"
    NOT_APPLICABLE = "N/A"
    MANUAL = "MANUAL"
    ERROR = "ERROR"


WORST_FIRST = (State.FAIL, State.ERROR, State.WARN, State.MANUAL, State.PASS, State.NOT_APPLICABLE)


class Severity(StrEnum):
    """Whether a probe stops the gate (must), counts in the score only (should), or only informs."""

    MUST = "must"
    SHOULD = "should"
    INFORMATIVE = "informative"


class Category(StrEnum):
    """What a probe is about."""

    CONTRACT = "contract"
    VALIDATION = "validation"
    NUMERIC = "numeric"
    PARSING = "parsing"
    UNICODE = "unicode"
    BEHAVIOUR = "behaviour"
    PERFORMANCE = "performance"
    OPERABILITY = "operability"
    ERRORS = "errors"
    SECURITY = "security"
    RECOVERY = "recovery"


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request and what came back. Values of the headers in `secret` are never shown."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes | None = None
    status: int | None = None
    reply_headers: Mapping[str, str] = field(default_factory=dict)
    reply: bytes = b""
    seconds: float = 0.0
    failure: str = ""
    secret: frozenset[str] = frozenset()

    def curl(self) -> str:
        """Return a line for a shell that sends the same bytes again."""
        words = ["curl", "-i"] if self.method == "POST" and self.body is not None else ["curl", "-i", "-X", self.method]
        words += [f"-H {quote(f'{name}: {value}')}" for name, value in self._shown_headers()]
        if self.body is None:
            return " ".join((*words, quote(self.url)))
        if self.body == b"" or (len(self.body) <= _LONGEST and _PRINTABLE.match(self.body)):
            return " ".join((*words, "--data-binary", quote(self.body.decode("ascii")), quote(self.url)))
        return f"{write_bytes(self.body)} | {' '.join((*words, '--data-binary', '@-', quote(self.url)))}"

    def excerpt(self) -> str:
        """Return the beginning of the answer: its status line and what can be read of the body."""
        if self.status is None:
            return f"no answer: {self.failure}"
        text = self.reply[: SHOWN * 4].decode("utf-8", "replace")
        cut = text if len(text) <= SHOWN else f"{text[:SHOWN]} …"
        return f"HTTP {self.status}\n{cut}" if cut else f"HTTP {self.status} (empty body)"

    def _shown_headers(self) -> Iterable[tuple[str, str]]:
        for name, value in self.headers.items():
            if name.lower() not in {"user-agent", "accept", "accept-encoding"}:
                yield name, "..." if name.lower() in self.secret else value


@dataclass(frozen=True, slots=True)
class Result:
    """A probe's state, what it saw in a sentence, the exchange that shows it, and numbers by name.

    `severity` replaces the probe's own where what was seen is graver than what the probe usually finds.
    """

    state: State
    said: str
    exchange: Exchange | None = None
    numbers: Mapping[str, object] = field(default_factory=dict)
    severity: Severity | None = None


def write_bytes(body: bytes) -> str:
    """Return a command that writes exactly these bytes; long repetitions are told as such.

    >>> print(write_bytes(b"[" * 20000 + b"]"))
    python3 -c 'import sys; sys.stdout.buffer.write(b"[" * 20000 + b"]")'
    """
    parts, end = [], 0
    for found in _RUN.finditer(body):
        unit, length = found.group(1), found.end() - found.start()
        if found.start() > end:
            parts.append(_literal(body[end : found.start()]))
        parts.append(f"{_literal(unit)} * {length // len(unit)}")
        end = found.end()
    if end < len(body) or not parts:
        parts.append(_literal(body[end:]))
    return f"python3 -c {quote('import sys; sys.stdout.buffer.write(' + ' + '.join(parts) + ')')}"


def _literal(piece: bytes) -> str:
    text = "".join(
        chr(code) if 0x20 <= code < 0x7F and chr(code) not in "\"\\'" else f"\\x{code:02x}" for code in piece
    )
    return f'b"{text}"'
