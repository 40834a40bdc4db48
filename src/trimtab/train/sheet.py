"""A sheet of headings, sentences, tables and pictures, and how it is written as Markdown.

Text of the user's (a question, a column's name, a value) may hold anything; here it becomes harmless in Markdown and
YAML, and `loop/page.py` does the same for HTML. Names and values stand between `OPEN` and `CLOSE`: code spans.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from trimtab.charts import Chart, IntervalChart

OPEN, CLOSE = "\ue000", "\ue001"
_STRANGE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ue000\ue001\s]+")


@dataclass(frozen=True, slots=True)
class Heading:
    """A section's title; level 1 is the sheet's own."""

    text: str
    level: int = 2


@dataclass(frozen=True, slots=True)
class Text:
    """A paragraph."""

    text: str


@dataclass(frozen=True, slots=True)
class Bullets:
    """A list of sentences."""

    items: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """A table; every row has as many cells as the header."""

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Code:
    """Lines to be typed or copied."""

    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Picture:
    """A chart of numbers that stand on the sheet as text too; Markdown leaves it out."""

    chart: Chart | IntervalChart
    alt: str


Block = Heading | Text | Bullets | Table | Code | Picture


def tame(text: object) -> str:
    """Return a user's text on one line, without control characters and without our marks."""
    return _STRANGE.sub(" ", str(text)).strip()


def name(text: object) -> str:
    """Return a name or a value as a code span."""
    return f"{OPEN}{tame(text) or ' '}{CLOSE}"


def write_markdown(front: Mapping[str, Any], blocks: Sequence[Block]) -> str:
    """Return the sheet as Markdown behind its YAML front matter."""
    told = [_write_block(block) for block in blocks if not isinstance(block, Picture)]
    return "\n\n".join(("\n".join(("---", *_write_yaml(front, 0), "---")), *told)) + "\n"


def split_spans(text: str) -> list[tuple[bool, str]]:
    """Return the pieces of a text in order, each with whether it is a code span."""
    pieces = re.split(f"({OPEN}[^{CLOSE}]*{CLOSE})", text)
    return [(piece.startswith(OPEN), piece.strip(OPEN + CLOSE)) for piece in pieces if piece]


def _write_block(block: Block) -> str:
    if isinstance(block, Heading):
        return f"{'#' * block.level} {_escape(block.text)}"
    if isinstance(block, Table):
        told = [f"| {' | '.join(_escape(cell) for cell in row)} |" for row in (block.header, *block.rows)]
        return "\n".join((told[0], "|---" * len(block.header) + "|", *told[1:]))
    if isinstance(block, Bullets):
        return "\n".join(f"- {_escape(item)}" for item in block.items)
    if isinstance(block, Code):
        return "\n".join(("```", *(tame(line).replace("```", "'''") for line in block.lines), "```"))
    return _escape(block.text) if isinstance(block, Text) else ""


def _escape(text: str) -> str:
    told = "".join(_write_span(piece) if is_code else _escape_plain(piece) for is_code, piece in split_spans(text))
    # What would begin a heading, a list, a quotation or a rule at the start of a line.
    return re.sub(r"^(\s*)([#>+=~-]|\d+[.)])(?=\s|[-=#>]|$)", r"\1\\\2", told)


def _escape_plain(text: str) -> str:
    harmless = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("\\", "\\\\")
    # A bracket that holds a number is an interval of ours; any other could become a link.
    return re.sub(r"([|`*!]|\[(?![\d-])|\](?=[(\[:]))", r"\\\1", harmless)


def _write_span(text: str) -> str:
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    fence = "`" * (longest + 1)
    inside = f" {text} " if text.startswith("`") or text.endswith("`") else text
    return f"{fence}{inside}{fence}".replace("|", "\\|")


def _write_yaml(value: Any, depth: int) -> list[str]:
    """Return YAML lines of nested mappings, lists and scalars; a text is quoted as JSON quotes it."""
    indent, lines = "  " * depth, []
    if isinstance(value, Mapping):
        for key, one in value.items():
            if isinstance(one, (Mapping, list)):
                lines += [f"{indent}{key}:", *_write_yaml(one, depth + 1)]
            else:
                lines.append(f"{indent}{key}: {json.dumps(one, ensure_ascii=False)}")
    elif isinstance(value, list):
        for one in value:
            inner = _write_yaml(one, depth + 1)
            lines += [f"{indent}- {inner[0].lstrip()}", *inner[1:]]
    else:
        lines.append(f"{indent}{json.dumps(value, ensure_ascii=False)}")
    return lines
