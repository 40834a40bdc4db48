"""Every line of a CSV file is accounted for, and the fast reader says what the careful one says."""

import csv
import io
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from trimtab.ingest.blocks import Cursor
from trimtab.ingest.delimited import read_header, read_portions, split_lines
from trimtab.ingest.encoding import Codec
from trimtab.ingest.plain import read_plain
from trimtab.ingest.records import MAX_RECORD_LINES, MAX_VALUE, NEVER_CLOSED, Portion, read_carefully
from trimtab.nouns.project import CsvForm

FORM = CsvForm()
NAMES = ("a", "b", "c")
HEADER = b"a,b,c\n"
PIECES = [
    "1",
    "x",
    " ",
    ",",
    ",",
    ";",
    '"',
    '"',
    "\n",
    "\n",
    "\r\n",
    "\r",
    "ü",
    "\0",
    "\ufeff",
    "€",
    "\t",
    "\x0b",
    "\u2028",
]
cell = st.lists(st.sampled_from([*PIECES[:4], *PIECES[5:8], *PIECES[10:], ""]), max_size=2).map("".join)
line = st.lists(cell, min_size=3, max_size=3).map(",".join)
regular = st.lists(line, min_size=1, max_size=6).map("\n".join)
messy = regular | st.lists(st.sampled_from(PIECES), max_size=40).map("".join)
plain = st.lists(st.lists(st.text("ab1 ü-;", max_size=4), min_size=3, max_size=3), min_size=1, max_size=8)


def carefully(text: str) -> Portion:
    return read_carefully(split_lines(text), NAMES, FORM, last=True)


def in_portions(body: bytes, rows: int) -> tuple[list[tuple[str, ...]], list[int], list[tuple[int, str]], Cursor]:
    """Read a whole file in portions of about so many rows: rows, their lines, bad lines with reasons, the end."""
    data = HEADER + body
    header = read_header(data, FORM, "file")
    cursor = Cursor(header.size, header.lines)
    found: list[tuple[str, ...]] = []
    lines: list[int] = []
    bad: list[tuple[int, str]] = []
    for portion in read_portions(io.BytesIO(data), len(data), header, FORM, cursor, rows=rows):
        first = cursor.lines - portion.done
        found += portion.frame.rows()
        lines += [first + int(line) for line in portion.lines]
        bad += [(first + one.line, one.reason) for one in portion.bad]
    return found, lines, bad, cursor


@given(messy)
@settings(deadline=None, max_examples=150)
def test_lines_are_rows_or_bad_or_blank_and_nothing_else(text: str) -> None:
    """Lines that no row and no bad record begins with are blank, or inside a quoted value of the record before."""
    lines = split_lines(text)
    portion = carefully(text)
    begins = sorted([*portion.lines.tolist(), *(bad.line for bad in portion.bad)])
    assert len(begins) == len(set(begins)) == portion.frame.height + len(portion.bad)
    assert portion.done == len(lines)
    for line in set(range(len(lines))) - set(begins):
        before = max((begin for begin in begins if begin < line), default=None)
        inside = before is not None and '"' in "".join(lines[before:line])
        assert inside or not lines[line].strip("\r\n")


quoted = st.lists(
    st.lists(
        st.sampled_from(["1", "", "x y", "a,b", "a\nb", 'say ""no""', "\n\n", "ü€", "\r\n", "'"]),
        min_size=3,
        max_size=3,
    ),
    min_size=1,
    max_size=8,
)


def quickly(text: str, *, last: bool) -> Portion | None:
    return read_plain(text.encode(errors="surrogatepass"), Codec("utf-8"), NAMES, FORM, last=last)


def join_quoted(rows: list[list[str]], line_end: str) -> str:
    return "".join(",".join(f'"{value}"' for value in row) + line_end for row in rows)


@given(
    messy | quoted.map(lambda rows: join_quoted(rows, "\n")),
    st.booleans(),
    st.lists(st.sampled_from(PIECES), max_size=3).map("".join),
)
@example(',",\n,",\n,,', True, "")  # noqa: FBT003  # as many line ends as records, but not the same ones
@settings(deadline=None, max_examples=400)
def test_fast_reader_agrees_with_the_careful_one(text: str, last: bool, rest: str) -> None:
    """Also on a block that ends inside a record, where both leave the same lines for the next."""
    text += rest if last else rest + "\n"
    fast = quickly(text, last=last)
    if fast is not None:
        lines = split_lines(text)
        slow = read_carefully(lines[: fast.done], NAMES, FORM, last=True)
        assert fast.frame.equals(slow.frame)
        assert fast.lines.tolist() == slow.lines.tolist()
        assert not slow.bad
        assert fast.done == len(lines) if last else fast.done <= read_carefully(lines, NAMES, FORM, last=False).done


@given(plain, st.sampled_from(["\n", "\r\n"]), st.booleans())
@settings(deadline=None, max_examples=200)
def test_fast_reader_takes_plain_blocks(rows: list[list[str]], line_end: str, ended: bool) -> None:
    """Plain text is not left to the slow reader, and comes back as it was written."""
    text = line_end.join(",".join(row) for row in rows) + (line_end if ended or not any(rows[-1]) else "")
    portion = quickly(text, last=True)
    assert portion is not None
    assert portion.frame.rows() == [tuple(row) for row in rows]


@given(quoted, st.sampled_from(["\n", "\r\n"]))
@settings(deadline=None, max_examples=200)
def test_fast_reader_takes_what_is_quoted_as_a_writer_does(rows: list[list[str]], line_end: str) -> None:
    """Line ends, delimiters and doubled quotes inside; only `\\r\\n` inside quotes is left to the careful reader."""
    portion = quickly(join_quoted(rows, line_end), last=True)
    if any("\r" in value for row in rows for value in row):
        assert portion is None
    else:
        assert portion is not None
        assert portion.frame.rows() == [tuple(value.replace('""', '"') for value in row) for row in rows]


def test_fast_reader_takes_long_records_of_values_that_are_not_too_long() -> None:
    """The limit is that of a value, or of a whole record, also where no quote makes the values be looked at."""
    long, longer = "x" * 70_000, "x" * (MAX_VALUE + 1)
    portion = quickly(f"1,2,3\n{long},{long},{long}\n", last=True)
    assert portion is not None
    assert portion.frame.rows() == [("1", "2", "3"), (long, long, long)]
    assert quickly(f"1,2,3\n4,{longer},6\n", last=True) is None


def test_fast_reader_splits_large_quoted_blocks_where_records_end() -> None:
    """Polars reads a block with several threads; line ends inside quotes must not confuse it."""
    row = '"1","a\n,b\n""x"",\n","' + "y\n" * 20 + '"\n'
    portion = quickly(row * 40_000, last=True)
    assert portion is not None
    assert portion.frame.unique().rows() == [("1", 'a\n,b\n"x",\n', "y\n" * 20)]
    assert portion.lines[-1] == 39_999 * (row.count("\n"))


@given(messy, st.integers(1, 5))
@settings(deadline=None, max_examples=200)
def test_portions_do_not_depend_on_their_size(text: str, rows: int) -> None:
    body = text.encode()
    small, whole = in_portions(body, rows), in_portions(body, 50_000)
    assert small[:3] == whole[:3]
    assert small[3].at == whole[3].at == len(HEADER) + len(body)
    assert small[3].lines == whole[3].lines


@given(
    st.lists(
        st.lists(st.text(st.characters(exclude_characters="\0", codec="utf-8"), max_size=5), min_size=3, max_size=3),
        min_size=1,
    )
)
@settings(deadline=None, max_examples=200)
def test_what_a_writer_quotes_comes_back(rows: list[list[str]]) -> None:
    """Any text at all survives the standard library's writer and our reader."""
    written = io.StringIO()
    csv.writer(written, quoting=csv.QUOTE_ALL).writerows(rows)
    found, _, bad, _ = in_portions(written.getvalue().encode(), 3)
    assert found == [tuple(row) for row in rows]
    assert not bad


@pytest.mark.parametrize(
    ("body", "rows", "bad"),
    [
        (b"1,2,3\n4,5\n6,7,8\n", 2, {2: "2 values where the header has 3"}),
        (b"1,2,3,4\n4,5,6\n", 1, {1: "4 values where the header has 3"}),
        (b'1,"2,3\n4,5,6\n7,8,9\n', 2, {1: NEVER_CLOSED}),
        (b'1,"2" x,3\n4,5,6\n', 1, {1: "text follows a closing quote"}),
        (b'1,"2 ""x""",3\n', 1, {}),
        (b'1,5" pipe,3\n', 1, {}),
        (b'1,"a\nb",3\n4,5\n', 1, {3: "2 values where the header has 3"}),
        (b'1,"a\n4,5,6",x,y\n7,8,9\n', 1, {1: "4 values where the header has 3"}),
        (b"1,\x00,3\n4,5,6\n", 1, {1: "a NUL character"}),
        (b"1,\xfc,3\n4,5,6\n", 1, {1: "bytes that are not text in the declared encoding"}),
        (b"1,a\rb,3\n4,5,6\n", 1, {1: "a carriage return stands inside a value that is not quoted"}),
        (b"1,2,3\r\n4,5,6\n7,8,9\r\n", 3, {}),
        (b"\n1,2,3\n\n\r\n4,5,6\n\n", 2, {}),
        (b",,\n", 1, {}),
        (b"1,2,3", 1, {}),
        (b"1,2," + b"x" * 131_072 + b"\n4,5,6\n", 2, {}),
        (
            b"1,2," + b"x" * 131_073 + b"\n4,5,6\n",
            1,
            {1: "a value is longer than 131,072 characters, or a quote is never closed"},
        ),
        (
            b'1,2,"' + b"x" * 131_073 + b'"\n4,5,6\n',
            1,
            {1: "a value is longer than 131,072 characters, or a quote is never closed"},
        ),
    ],
)
def test_each_defect_costs_its_own_line(body: bytes, rows: int, bad: dict[int, str]) -> None:
    found, _, wrong, _ = in_portions(body, 50_000)
    assert len(found) == rows
    assert dict(wrong) == bad


def test_open_quote_ends_after_a_thousand_lines() -> None:
    """A quote at the top that is never closed costs one line of a long file, however the file is cut."""
    body = b'1,"2,3\n' + b"4,5,6\n" * (3 * MAX_RECORD_LINES)
    for rows in (10, 50_000):
        found, _, bad, _ = in_portions(body, rows)
        assert len(found) == 3 * MAX_RECORD_LINES
        assert bad == [(1, NEVER_CLOSED)]


def test_record_over_too_many_lines_is_none() -> None:
    """A second stray quote far below must not turn everything between into one value, however the file is cut."""
    body = b'1,"2,3\n' + b"4,5,6\n" * (MAX_RECORD_LINES + 500) + b'x",y,z\n'
    for rows in (10, 50_000):
        found, _, bad, _ = in_portions(body, rows)
        assert len(found) == MAX_RECORD_LINES + 501
        assert bad == [(1, NEVER_CLOSED)]


def test_open_quote_does_not_hold_the_file_in_memory() -> None:
    data = HEADER + b'1,"2,3\n' + b"4,5,6\n" * (20 * MAX_RECORD_LINES)
    header = read_header(data, FORM, "file")
    file = io.BytesIO(data)
    next(read_portions(file, len(data), header, FORM, Cursor(header.size, header.lines), rows=10))
    assert file.tell() < len(data) / 4


def test_line_numbers_count_lines_not_rows() -> None:
    found, lines, _, _ = in_portions(b'1,"x\ny",3\n\n4,5,6\n', 50_000)
    assert [row[0] for row in found] == ["1", "4"]
    assert lines == [1, 4]


def test_memory_stays_flat_over_a_large_file(tmp_path: Path) -> None:
    """Thirty megabytes arrive in portions of about 50,000 rows, none much larger."""
    path = tmp_path / "large.csv"
    path.write_bytes(HEADER + b"12345,67890,abcdefghijklmnop\n" * 1_000_000)
    size = path.stat().st_size
    with path.open("rb") as file:
        header = read_header(file.read(1000), FORM, path.name)
        cursor = Cursor(header.size, header.lines)
        heights = [portion.frame.height for portion in read_portions(file, size, header, FORM, cursor)]
    assert sum(heights) == 1_000_000
    assert max(heights) < 60_000
