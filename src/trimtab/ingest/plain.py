"""A block of a CSV file at full speed, where every quote and delimiter in it is provably what it seems.

One pass over the bytes finds the delimiters, line ends and quotes. Where quotes open behind a delimiter or a line end,
close before one, and stand doubled inside, and every record has the width of the header, Polars reads the block. Any
doubt gives None, and the block goes record by record through `records`; a property test holds the two together.
"""

from collections.abc import Sequence

import numpy as np
import polars as pl
from polars.exceptions import PolarsError

from trimtab.ingest.encoding import Codec
from trimtab.ingest.records import MAX_RECORD, MAX_RECORD_LINES, MAX_VALUE, Portion
from trimtab.nouns.project import CsvForm

_MARK = b"\xef\xbb\xbf"
_LINE_END = ord("\n")


def read_plain(block: bytes, codec: Codec, names: Sequence[str], form: CsvForm, *, last: bool) -> Portion | None:
    """Return the rows of a block of whole lines, or None where the careful reader is needed.

    Lines at the end that begin a record which goes on behind the block are left out, unless it is the `last` block.
    """
    delimiter, quote = form.delimiter.encode(), form.quote.encode()
    if len(delimiter) != 1 or len(quote) > 1 or len(names) < 2:
        return None
    data = _valid_text(block, codec)
    if not data or data.startswith(_MARK) or _has_controls(data):  # Polars would drop a mark
        return None
    if b"\r" in data:
        if quote and quote in data and _breaks_inside(data, quote):
            return None
        data = data.replace(b"\r\n", b"\n")
    layout = _find_layout(data, len(names), delimiter, quote, last=last)
    if layout is None:
        return None
    end, lines, done, quoted = layout
    try:
        frame = pl.read_csv(
            data[:end],
            has_header=False,
            separator=form.delimiter,
            quote_char=form.quote if quoted else None,
            schema=dict.fromkeys(names, pl.String),
            empty_string_is_null=False,
        )
    except PolarsError:  # it sees it another way: then the block is not certain
        return None
    return Portion(frame, lines, (), done) if frame.height == len(lines) else None


def _valid_text(block: bytes, codec: Codec) -> bytes:
    """Return a block as UTF-8, or nothing where it holds bytes that are no text."""
    try:
        if codec.name != "utf-8":
            return codec.decode(block).encode()
        if not block.isascii():
            block.decode()
    except UnicodeError:
        return b""
    return block


def _has_controls(data: bytes) -> bool:
    r"""Whether there are control characters, except tabs and the line ends `\n` and `\r\n`."""
    units = np.frombuffer(data, dtype=np.uint8)
    plain = sum(int(np.count_nonzero(units == sign)) for sign in (_LINE_END, ord("\t")) if sign in data)
    if b"\r" in data:
        plain += data.count(b"\r\n")
    return bool(np.count_nonzero(units < ord(" ")) != plain)


def _breaks_inside(data: bytes, quote: bytes) -> bool:
    r"""Whether a `\r\n` stands inside quotes, where it is part of a value."""
    units = np.frombuffer(data, dtype=np.uint8)
    before = np.searchsorted(np.flatnonzero(units == quote[0]), np.flatnonzero(units == ord("\r")))
    return bool((before & 1).any())


def _find_layout(
    data: bytes, width: int, delimiter: bytes, quote: bytes, *, last: bool
) -> tuple[int, np.ndarray, int, bool] | None:
    """Return where the whole records end, the line each begins on, how many lines they take, and if any is quoted."""
    quoted = bool(quote) and quote in data
    units = np.frombuffer(data, dtype=np.uint8)
    found = (
        _find_quoted(units, width, delimiter[0], quote[0], last=last)
        if quoted
        else _find_unquoted(units, width, delimiter[0], last=last)
    )
    return (*found, quoted) if found else None


def _find_unquoted(units: np.ndarray, width: int, delimiter: int, *, last: bool) -> tuple[int, np.ndarray, int] | None:
    """Return the layout of a block without quotes: each line must hold one delimiter less than it has values."""
    ends = np.flatnonzero(units == _LINE_END)
    if last and units[-1] != _LINE_END:
        ends = np.append(ends, len(units))
    delimiters, each = np.flatnonzero(units == delimiter), width - 1
    if not len(ends) or len(delimiters) != len(ends) * each:
        return None
    # As there are the right number of them in all, it is enough to look at the first and the last of each line.
    if (delimiters[each - 1 :: each] > ends).any() or (delimiters[each::each] < ends[:-1]).any():
        return None
    lines = np.arange(len(ends))
    if max(ends[0], np.diff(ends).max(initial=0)) > MAX_VALUE:  # else no value can be longer
        outer = np.sort(np.concatenate([delimiters, ends]))
        if not _records_are_short(outer, lines, len(ends), width):
            return None
    return int(ends[-1]) + 1, lines, len(ends)


def _find_quoted(
    units: np.ndarray, width: int, delimiter: int, quote: int, *, last: bool
) -> tuple[int, np.ndarray, int] | None:
    """Return the layout of a block with quotes: inside of them, delimiters and line ends are part of a value."""
    places = np.flatnonzero((units == delimiter) | (units == _LINE_END) | (units == quote))
    kinds = units[places]
    quotes = kinds == quote
    if not _quotes_are_regular(units, places[quotes], delimiter, quote):
        return None
    outside = ~quotes & (np.cumsum(quotes, dtype=np.uint8) & 1 == 0)
    outer, outer_kinds = places[outside], kinds[outside]
    closed = not np.count_nonzero(quotes) & 1
    if last and not closed:
        return None
    if last and units[-1] != _LINE_END:
        outer, outer_kinds = np.append(outer, len(units)), np.append(outer_kinds, np.uint8(_LINE_END))
    if not closed:
        whole = np.flatnonzero(outer_kinds == _LINE_END)
        count = int(whole[-1]) + 1 if len(whole) else 0
        outer, outer_kinds = outer[:count], outer_kinds[:count]
    if not _is_regular(outer, outer_kinds, width):
        return None
    ends, breaks = outer[width - 1 :: width], places[kinds == _LINE_END]
    lines = np.concatenate([[0], np.searchsorted(breaks, ends[:-1], side="right")])
    end = int(ends[-1]) + 1
    done = int(np.searchsorted(breaks, end)) + (end > len(units))
    return (end, lines, done) if _records_are_short(outer, lines, done, width) else None


def _quotes_are_regular(units: np.ndarray, quotes: np.ndarray, delimiter: int, quote: int) -> bool:
    """Whether each quote opens a value, closes one, or is one half of a doubled one inside a value."""
    opening, closing = quotes[0::2], quotes[1::2]
    before = units[opening[1:] - 1] if opening[0] == 0 else units[opening - 1]
    behind = units[closing[:-1] + 1] if len(closing) and closing[-1] + 1 == len(units) else units[closing + 1]
    return all(
        bool(((around == delimiter) | (around == _LINE_END) | (around == quote)).all()) for around in (before, behind)
    )


def _is_regular(outer: np.ndarray, kinds: np.ndarray, width: int) -> bool:
    """Whether delimiters and line ends outside of quotes make records of the header's width, and nothing else."""
    if not len(outer) or len(outer) % width:
        return False
    is_end = (kinds == _LINE_END).reshape(-1, width)
    return bool(is_end[:, -1].all()) and not bool(is_end[:, :-1].any())


def _records_are_short(outer: np.ndarray, lines: np.ndarray, done: int, width: int) -> bool:
    """Whether no value or record is so long that the careful reader would refuse it."""
    if max(outer[0], np.diff(outer).max()) > MAX_VALUE:
        return False
    records = max(outer[width - 1], np.diff(outer[width - 1 :: width]).max(initial=0))
    return bool(records < MAX_RECORD) and bool(np.diff(lines, append=done).max() < MAX_RECORD_LINES)
