"""What a reply of an API holds: JSON, JSON lines or CSV as items. All three are strict, and half a reply is none.

The format is declared, never guessed; a Content-Type that says otherwise is an error. A reply whose last line breaks
off is refused whole, so that nothing of it counts; any other line that is no item is kept as one that is rejected.
"""

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import Message
from typing import Any

from trimtab.errors import DataError
from trimtab.ingest.fetching import Reply
from trimtab.nouns import SourceSpec

_JSON_LINES = {"application/x-ndjson", "application/ndjson", "application/jsonl", "application/x-jsonlines"}
_CSV = {"text/csv", "application/csv", "text/comma-separated-values"}
_SILENT = {"", "text/plain", "application/octet-stream", "binary/octet-stream"}
"""Content-Types that say nothing about what is inside."""


@dataclass(frozen=True, slots=True)
class BadLine:
    """A line of a reply that is no item, and why."""

    text: str
    reason: str


def read_reply(reply: Reply, spec: SourceSpec, where: str) -> tuple[list[Any], Any]:
    """Return the items of a reply, and the whole where that is one JSON value (else None).

    Raises DataError where the reply is not of the declared format or breaks off.
    """
    kind, charset = _read_kind(reply.kind)
    _refuse_other_format(kind, spec.format, where)
    if spec.format == "json":
        content = decode_json(reply.body, where)
        return find_items(content, spec.records, where), content
    text = _decode(reply.body, charset, where)
    lines = _read_lines(text, where) if spec.format == "jsonl" else _read_csv(text, spec, where)
    return list(lines), None


def _read_kind(said: str) -> tuple[str, str]:
    header = Message()
    header["content-type"] = said or "text/plain"
    kind = header.get_content_type() if said else ""
    return kind, header.get_content_charset("utf-8")


def _refuse_other_format(kind: str, declared: str, where: str) -> None:
    """Raise where the server says that this is something else. JSON is read under strange names too."""
    said = "jsonl" if kind in _JSON_LINES else "csv" if kind in _CSV else ""
    said = said or ("json" if kind.endswith(("/json", "+json")) else "")
    if said and said != declared:
        hint = f'if that is meant: format = "{said}"; if not, check url and headers of this source'
        raise DataError(f'{where} answers with {kind} where format is "{declared}".', hint=hint)
    if declared == "csv" and not said and kind not in _SILENT:
        raise DataError(
            f"{where} answers with {kind[:80]}, which is no CSV.", hint="check url and headers of this source"
        )


def _decode(body: bytes, charset: str, where: str) -> str:
    try:
        return body.decode(charset).removeprefix("\ufeff")
    except (UnicodeDecodeError, LookupError):
        hint = "the server names the encoding in its Content-Type; without a name it is UTF-8"
        raise DataError(f"{where}: the reply is not in the encoding {charset[:40]}.", hint=hint) from None


def _broken_off(where: str) -> DataError:
    return DataError(
        f"{where}: the reply breaks off in its last line.", hint="nothing was lost; the next turn tries again"
    )


def _read_lines(text: str, where: str) -> Iterator[Any]:
    *lines, last = text.split("\n")
    for line in lines:
        if line.strip():
            yield _read_line(line)
    if last.strip():
        item = _read_line(last)
        if isinstance(item, BadLine):
            raise _broken_off(where)
        yield item


def _read_line(line: str) -> Any:
    try:
        return _load(line)
    except (ValueError, RecursionError):
        return BadLine(line, "the line is no JSON")


def _read_csv(text: str, spec: SourceSpec, where: str) -> Iterator[Any]:
    if text.lstrip()[:1] == "<":
        raise DataError(f"{where} answers with HTML, which is no CSV.", hint="check url and headers of this source")
    rows = csv.reader(
        io.StringIO(text, newline=""),
        delimiter=spec.csv.delimiter,
        quotechar=spec.csv.quote or None,
        quoting=csv.QUOTE_MINIMAL if spec.csv.quote else csv.QUOTE_NONE,
        strict=True,
    )
    names: list[str] = []
    bad: BadLine | None = None
    try:
        for values in rows:
            if not names:
                names = [name.strip() or f"column_{number}" for number, name in enumerate(values, start=1)]
                _refuse_repeated(names, where)
            elif values:
                bad = _judge(values, len(names))
                yield bad or dict(zip(names, values, strict=True))
    except csv.Error as error:
        hint = "check csv = { delimiter, quote } of this source, or try again: half of it may have come"
        raise DataError(f"{where}: line {rows.line_num} of the reply is no CSV ({error}).", hint=hint) from None
    if bad and not text.endswith(("\n", "\r")):
        raise _broken_off(where)


def _refuse_repeated(names: list[str], where: str) -> None:
    if len(set(names)) < len(names):
        raise DataError(f"{where}: a name stands twice in the header of the reply.", hint="ask the API for other names")


def _judge(values: list[str], width: int) -> BadLine | None:
    if len(values) != width:
        return BadLine(",".join(values), f"{len(values)} values where the header has {width}")
    return BadLine(",".join(values), "NUL is no text") if any("\0" in value for value in values) else None


def decode_json(body: bytes, where: str) -> Any:
    """Return what a reply says. Raises DataError where it is no strict JSON: not UTF-8, NaN, a name twice, too deep."""
    try:
        return _load(body.decode())
    except (ValueError, RecursionError) as error:
        looks = "HTML" if body.lstrip()[:1] == b"<" else "no JSON"
        reason = {RecursionError: "nested too deeply", UnicodeDecodeError: "not UTF-8"}.get(type(error), "")
        said = reason or (f"line {error.lineno}" if isinstance(error, json.JSONDecodeError) else str(error)[:80])
        hint = "check url, headers and format of this source"
        raise DataError(f"{where} answers with {looks} ({said}).", hint=hint) from None


def _load(text: str) -> Any:
    return json.loads(text, parse_constant=_refuse_constant, object_pairs_hook=_read_object)


def _refuse_constant(name: str) -> float:
    raise ValueError(f"{name} is no JSON")


def _read_object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a name stands twice in one object")
    return found


def find_items(reply: Any, path: str, where: str) -> list[Any]:
    """Return the list at a dotted path in a reply; "" is the reply itself. Raises DataError where there is none."""
    found, lacking = look_up(reply, path)
    if lacking:
        raise DataError(f"{where}: the reply has nothing at records = '{path}'.", hint=_say_names(found))
    if not isinstance(found, list):
        here = f"at records = '{path}'" if path else "in the reply"
        raise DataError(f"{where}: there is no list {here}.", hint=_say_names(found))
    return found


def look_up(content: Any, path: str) -> tuple[Any, bool]:
    """Return what stands at a dotted path; or the last thing on the way, and True where the path goes no further."""
    found = content
    for step in filter(None, path.split(".")):
        if not isinstance(found, dict) or step not in found:
            return found, True
        found = found[step]
    return found, False


def _say_names(found: Any) -> str:
    names = ", ".join(sorted(found)[:10])[:200] if isinstance(found, dict) else ""
    return f"the names there are: {names}" if names else "set records to where the list of rows is"
