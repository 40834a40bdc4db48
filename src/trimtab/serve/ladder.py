"""The ladder of degraded answers: every problem a client can meet, its code and status, in one table (RFC 9457)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from starlette.responses import Response

from trimtab.errors import SpoolFull, StoreError, TrimtabError
from trimtab.nouns import Column

NAME_LIMIT = 64


@dataclass(frozen=True, slots=True)
class Kind:
    """One row of the table: HTTP status, title, and after how many seconds another try makes sense (0: never said)."""

    status: int
    title: str
    retry_after: int = 0


KINDS: Mapping[str, Kind] = {
    "malformed": Kind(400, "The body is not a JSON document"),
    "duplicate_key": Kind(400, "A key stands twice in one object"),
    "too_deep": Kind(400, "The document is nested too deeply"),
    "unknown_option": Kind(400, "The query holds an option that is not known"),
    "cross_site": Kind(403, "A web page of another site may not ask this server"),
    "not_found": Kind(404, "There is nothing here"),
    "method_not_allowed": Kind(405, "This path does not answer that method"),
    "too_slow": Kind(408, "The body did not arrive in time"),
    "id_reused": Kind(409, "This id was used before with another body"),
    "id_in_use": Kind(409, "The first request under this id is not answered yet", retry_after=1),
    "too_large": Kind(413, "The body is too large"),
    "too_many_rows": Kind(413, "The request holds too many rows"),
    "wrong_media_type": Kind(415, "The body must be application/json in UTF-8"),
    "invalid_row": Kind(422, "The row does not keep the contract"),
    "invalid_request": Kind(422, "The request does not have the agreed shape"),
    "invalid_outcome": Kind(422, "The outcome cannot be kept as it stands"),
    "busy": Kind(429, "The queue is full", retry_after=1),
    "internal": Kind(500, "The server made a mistake"),
    "no_model": Kind(503, "No Version is promoted yet", retry_after=5),
    "not_loaded": Kind(503, "A Version is promoted, but it does not load", retry_after=5),
    "model_failed": Kind(503, "The model gave no usable answer", retry_after=5),
    "not_ready": Kind(503, "This worker does not take requests now", retry_after=5),
    "lookup_failed": Kind(503, "The record cannot be read now", retry_after=5),
    "cannot_log": Kind(507, "The answer cannot be kept, so it is not given", retry_after=5),
}

ERROR_CODES: tuple[tuple[type[TrimtabError], str], ...] = (
    (SpoolFull, "cannot_log"),
    (StoreError, "lookup_failed"),
    (TrimtabError, "internal"),
)
"""Which code answers for an error class of `trimtab.errors`; the first match counts."""

SENTENCES: Mapping[str, str] = {
    "missing": "is required",
    "wrong_type": "has the wrong type",
    "not_a_number": "is text that is no number",
    "not_finite": "is not a finite number",
    "not_an_integer": "is not a whole number of 64 bits",
    "bool_for_number": "is true or false where a number is agreed",
    "text_for_number": "is text where a number is agreed",
    "hard_range": "lies outside the range that the contract allows",
    "unseen": "is none of the values that the contract allows",
    "bad_time": "is no time in an agreed format",
    "naive_time": "has no time zone; add Z or an offset such as +01:00",
    "future_time": "lies in the future",
    "unknown_class": "is none of the classes of the target",
    "too_long": "is longer than 10,000 characters",
    "unknown_field": "is not a column of the contract",
    "duplicate_key": "stands twice",
    "unknown_option": "is not known here",
    "not_an_object": "is not a JSON object",
    "not_a_list": "is not a list",
    "wrong_length": "does not have one entry per row",
    "conflict": "cannot stand together with the other one",
}


@dataclass(frozen=True, slots=True)
class FieldError:
    """One field that is wrong: its name as shown, a stable code, and a sentence that holds nothing the client sent."""

    field: str
    code: str
    detail: str


class Problem(Exception):
    """An answer that is not the one asked for: a code of `KINDS`, what to do, and every bad field at once."""

    def __init__(
        self,
        code: str,
        detail: str = "",
        *,
        errors: Iterable[FieldError] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(code)
        self.code = code
        self.kind = KINDS[code]
        self.detail = detail
        self.errors = tuple(errors)
        self.headers = dict(headers or {})

    def document(self) -> dict[str, Any]:
        """Return the problem as RFC 9457 lays it out, with `code` and `errors` as extension members."""
        document: dict[str, Any] = {
            "type": f"urn:trimtab:problem:{self.code}",
            "title": self.kind.title,
            "status": self.kind.status,
            "code": self.code,
        }
        if self.detail:
            document["detail"] = self.detail
        if self.errors:
            document["errors"] = [
                {"field": error.field, "code": error.code, "detail": error.detail} for error in self.errors
            ]
        return document

    def response(self) -> Response:
        """Return the problem as an HTTP response."""
        if self.kind.retry_after:
            self.headers.setdefault("retry-after", str(self.kind.retry_after))
        return Response(
            msgspec.json.encode(self.document()),
            status_code=self.kind.status,
            headers=self.headers,
            media_type="application/problem+json",
        )


def problem_for(error: TrimtabError) -> Problem:
    """Return the problem that answers for one of our own errors; its message stays in the log."""
    return Problem(next(code for kind, code in ERROR_CODES if isinstance(error, kind)))


def field_error(name: str, code: str, column: Column | None = None) -> FieldError:
    """Return one field's error. A column of the contract is named as it is, a client's own name only as `shown`."""
    unknown = "is a rule of the contract that the row breaks" if name == "rule" else "cannot be used"
    sentence = SENTENCES.get(code, unknown)
    if code == "hard_range" and column is not None and column.hard is not None:
        sentence = f"lies outside {column.hard[0]:g} to {column.hard[1]:g}"
    return FieldError(name if column is not None else shown(name), code, sentence)


def field_errors(reasons: Sequence[tuple[str, str]], columns: Mapping[str, Column]) -> tuple[FieldError, ...]:
    """Return the errors for the reasons that a compiled Contract gave."""
    return tuple(field_error(name, code, columns.get(name)) for name, code in reasons)


def shown(name: str) -> str:
    r"""Return a name that a client chose, safe to print: escaped, and at most 64 characters.

    >>> shown("<b>\n" + "x" * 100)[:24]
    '\\u003cb\\u003e\\u000axxxxx'
    """
    safe = "".join(letter if _is_plain(letter) else f"\\u{ord(letter):04x}" for letter in name[:NAME_LIMIT])
    return safe if len(safe) <= NAME_LIMIT else safe[: NAME_LIMIT - 1] + "…"


def _is_plain(letter: str) -> bool:
    return letter.isprintable() and letter not in "<>&\"'\\`"
