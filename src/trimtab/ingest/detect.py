"""How a CSV file is written (encoding, delimiter, quote, decimal sign): found once and said, never silently guessed."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from trimtab.errors import DataError
from trimtab.ingest.delimited import refuse_packed, split_lines
from trimtab.ingest.encoding import found_mark, open_codec
from trimtab.ingest.packed import NO_LIMITS, unpack
from trimtab.ingest.paths import existing, open_plain
from trimtab.ingest.records import read_records
from trimtab.ingest.unclear import UnclearForm
from trimtab.nouns.project import CsvForm

SAMPLE = 1 << 20
SAMPLE_RECORDS = 1000
DELIMITERS = (",", ";", "\t", "|")
_UNCOMMON = (":", "^", "~", "\x01", "\x1f", " ")
_COMMA = re.compile(r"[-+]?(\d{1,3}(\.\d{3})+|\d+),\d+")
_POINT = re.compile(r"[-+]?(\d{1,3}(,\d{3})+|\d+)\.\d+([eE][-+]?\d+)?")
_THOUSANDS = re.compile(r"[-+]?[1-9]\d{0,2}([.,]\d{3})+")
_SHOWN = {"\t": "tab", " ": "space"}


class Fit(NamedTuple):
    """How well a delimiter and a quote explain a sample: share of records as wide as the header, and that width."""

    form: CsvForm
    share: float
    width: int


def detect_csv(path: Path, *, delimiter: str = "", encoding: str = "", quote: str = "") -> CsvForm:
    """Return how a CSV file is written, from its first megabyte (the encoding: from all of it); what is given stands.

    Raises UnclearForm where two readings are equally good or none is, with the best guess and the key that settles it,
    DataError where the file is empty or no text.
    """
    with open_plain(existing(path).resolve()) as packed:
        file = unpack(packed, path.stat().st_size, path.name, **NO_LIMITS)
        head = file.read(SAMPLE)
        refuse_packed(head, path.name)
        if not head.strip():
            raise DataError(f"{path.name} is empty.", hint="a CSV file begins with a line of column names")
        encoding = encoding or _find_encoding(head, iter(partial(file.readline, SAMPLE), b""), path.name)
    codec = open_codec(head, encoding, path.name)
    lines = split_lines(codec.decode(head[codec.mark :]))
    if len(head) == SAMPLE:
        lines = lines[:-1] or lines
    if lines[0].startswith("sep="):
        lines = lines[1:]
    quotes = (quote,) if quote else ('"', "'") if _single_quoted(lines) else ('"',)
    if delimiter:
        fits = [_measure(lines, CsvForm(delimiter, encoding, one)) for one in quotes]
        form = max(fits, key=lambda fit: (fit.share, fit.width)).form
    else:
        form = _find_delimiter(lines, encoding, quotes, path.name)
    return replace(form, decimal=_find_decimal(lines, form))


def _find_decimal(lines: list[str], form: CsvForm) -> str:
    """Return the sign of most fractions in a sample; `1,234` and `1.234` may be whole numbers and do not count."""
    records = islice(read_records(lines, form), SAMPLE_RECORDS)
    values = [value.strip() for _, _, values, _ in records for value in values]
    with_comma = sum(1 for value in values if _COMMA.fullmatch(value) and not _THOUSANDS.fullmatch(value))
    with_point = sum(1 for value in values if _POINT.fullmatch(value) and not _THOUSANDS.fullmatch(value))
    return "," if with_comma > with_point else "."


def _find_encoding(head: bytes, rest: Iterable[bytes], where: str) -> str:
    marked, _ = found_mark(head)
    if marked:
        return "utf-16" if marked.startswith("utf-16") else marked
    if b"\0" in head[:1000]:
        guess = "utf-16-le" if head[1:2] == b"\0" else "utf-16-be" if head[:1] == b"\0" else ""
        if guess:
            raise UnclearForm(f"{where} looks like {guess} without its mark.", encoding=guess)
        raise DataError(f"{where} holds NUL characters and is no text file.", hint="is it a CSV file?")
    return _weigh_bytes(head, rest, where)


def _weigh_bytes(head: bytes, rest: Iterable[bytes], where: str) -> str:
    """Return utf-8 or cp1252 by the lines that hold more than ASCII; a few broken lines do not sway a utf-8 file."""
    good, broken = 0, []
    for line in _lines_beyond_ascii(head, rest):
        if _is_utf8(line):
            good += 1
        else:
            broken.append(line)
        if len(broken) > 10_000:
            break
    if not broken or good >= 20 * len(broken):
        return "utf-8"
    _refuse_unlikely(good, b"".join(broken), where)
    return "cp1252"


def _lines_beyond_ascii(head: bytes, rest: Iterable[bytes]) -> Iterable[bytes]:
    lines = head.split(b"\n")
    tail = lines.pop()
    yield from (line for line in lines if not line.isascii())
    for line in rest:
        whole, tail = tail + line, b""
        if not whole.isascii():
            yield whole
    if not tail.isascii():
        yield tail


def _is_utf8(line: bytes) -> bool:
    try:
        line.decode()
    except UnicodeDecodeError:
        return False
    return True


def _refuse_unlikely(good: int, broken: bytes, where: str) -> None:
    """Raise UnclearForm where Western European (cp1252) is no safe guess for bytes that are not utf-8."""
    if good:
        raise UnclearForm(f"{where} mixes lines in utf-8 and lines in another encoding.", encoding="cp1252")
    if re.search(rb"[\x81\x8d\x8f\x90\x9d]|[\x80-\xff]{4}", broken):  # unknown there, or a word in another script
        what = f"{where} is not utf-8, and Western European (cp1252) is no safe guess; it may be cp1251, cp437, ..."
        raise UnclearForm(what, encoding="cp1252")


def _find_delimiter(lines: list[str], encoding: str, quotes: Sequence[str], where: str) -> CsvForm:
    fits = [fit for fit in _all_fits(lines, encoding, quotes, DELIMITERS) if fit.width > 1]
    if not fits:
        _refuse_uncommon(lines, encoding, quotes, where)
        return CsvForm(encoding=encoding, quote=quotes[0])
    fits.sort(key=lambda fit: (fit.share, fit.width, fit.form.quote == '"'), reverse=True)
    best = fits[0]
    if best.share < 0.5:
        _refuse(where, best, f"only {best.share:.0%} of the lines are as wide as the header")
    rivals = [fit for fit in fits if fit.form.delimiter != best.form.delimiter and fit.share >= best.share - 0.02]
    if rivals:
        _refuse(where, best, f"'{_name(rivals[0])}' would do as well")
    return best.form


def _all_fits(lines: list[str], encoding: str, quotes: Sequence[str], delimiters: Iterable[str]) -> list[Fit]:
    return [_measure(lines, CsvForm(sign, encoding, quote)) for sign in delimiters for quote in quotes]


def _single_quoted(lines: list[str]) -> bool:
    """Tell whether ' may be the quote: no double quote anywhere, and values begin and end with it."""
    text = "".join(lines)
    return '"' not in text and bool(re.search(r"(^|[,;\t|])'[^'\n]*'([,;\t|\r]|$)", text, re.MULTILINE))


def _measure(lines: list[str], form: CsvForm) -> Fit:
    widths: list[int] = []
    for _, _, values, reason in read_records(lines, form):
        if values or reason:
            widths.append(len(values))
        if len(widths) > SAMPLE_RECORDS:
            break
    width = widths[0] if widths else 0
    return Fit(form, sum(one == width for one in widths) / max(len(widths), 1), width)


def _refuse_uncommon(lines: list[str], encoding: str, quotes: Sequence[str], where: str) -> None:
    for fit in _all_fits(lines, encoding, quotes, DELIMITERS):
        if fit.share < 0.5:
            _refuse(where, fit, "the first line has none of them: is it a title above the column names?")
    for fit in _all_fits(lines, encoding, quotes, _UNCOMMON):
        if fit.width > 1 and fit.share == 1:
            _refuse(where, fit, "it is an uncommon one")


def _refuse(where: str, best: Fit, why: str) -> None:
    what = f"{where}: the delimiter is not certain. Guess: '{_name(best)}', but {why}."
    raise UnclearForm(what, delimiter=best.form.delimiter)


def _name(fit: Fit) -> str:
    return _SHOWN.get(fit.form.delimiter, fit.form.delimiter)
