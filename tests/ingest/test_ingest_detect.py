"""How a file is written is found, or the reader is asked; it is never guessed in silence."""

from pathlib import Path

import polars as pl
import pytest

from trimtab.errors import ConfigError, DataError, UsageError
from trimtab.ingest import FileSource, declare, detect_csv, read_head
from trimtab.nouns import SourceSpec
from trimtab.nouns.project import CsvForm


def file(tmp_path: Path, data: bytes) -> Path:
    path = tmp_path / "file.csv"
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_common_forms_are_found(tmp_path: Path, delimiter: str, encoding: str) -> None:
    rows = [("größe", "note", "y"), ("1,5", 'he said "no"', "1"), ("2,5", f"a{delimiter}b", "0")]
    quoted = "\n".join(delimiter.join('"' + value.replace('"', '""') + '"' for value in row) for row in rows)
    path = file(tmp_path, quoted.encode(encoding))
    assert detect_csv(path) == CsvForm(delimiter, encoding.removesuffix("-sig"), decimal=",")
    frame = read_head(path, 10)
    assert frame.columns == list(rows[0])
    assert frame.rows() == [(row[0], row[1], row[2]) for row in rows[1:]]


@pytest.mark.parametrize(
    ("data", "delimiter"),
    [
        (b"a;b\n1,5;2,5\n3,5;4,5\n", ";"),
        (b'a,b\n"x;y",1\n"z;w",2\n', ","),
        (b"a,b\n1,2\n3\n4,5,6\n7,8\n", ","),
        (b'name,"first; last"\nx,1\n', ","),
        (b"sep=;\na;b\n1;2\n", ";"),
        (b"a\n1\n2\n", ","),
        (b"a,b\n", ","),
    ],
)
def test_delimiter_is_what_splits_like_the_header(tmp_path: Path, data: bytes, delimiter: str) -> None:
    assert detect_csv(file(tmp_path, data)).delimiter == delimiter


def test_single_quotes_are_found_where_they_quote(tmp_path: Path) -> None:
    assert detect_csv(file(tmp_path, b"a,b\n'x, y',1\n'z',2\n")).quote == "'"
    assert detect_csv(file(tmp_path, b"a,b\nit's,1\nthat's,2\n")).quote == '"'


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"a,b;c\n1,2;3\n4,5;6\n", "would do as well"),
        (b"a:b\n1:2\n", "uncommon"),
        (b"a b\n1 2\n", "Guess: 'space'"),
        (b"title\nof the file, made\na,b,c\n1,2,3\n,,4\n", "title above"),
        (b"a,b,c\n1\n2\n3\n", "as wide as the header"),
        ("имя,y\nЮлия,1\n".encode("cp1251"), "cp1252"),
        ("größe,y\n".encode() + "süß,1\n".encode("cp1252"), "mixes"),
        (b"ab\0c,\0", "NUL"),
        ("a,b\n1,2\n".encode("utf-16-le"), "utf-16-le"),
        (b"", "empty"),
        (b" \n\n", "empty"),
        (b"PK\x03\x04", "Excel"),
        (b"\x1f\x8b\x08", "packed file that ends"),
    ],
)
def test_doubtful_files_name_the_guess_and_the_way_out(tmp_path: Path, data: bytes, words: str) -> None:
    with pytest.raises(DataError) as error:
        detect_csv(file(tmp_path, data))
    assert words in str(error.value)
    assert "Next:" in str(error.value)


def test_few_broken_lines_do_not_sway_a_utf8_file(tmp_path: Path) -> None:
    """They are rejected one by one, instead of turning every other line into rubbish."""
    path = file(tmp_path, "größe,y\n".encode() * 200 + b"s\xfc\xdf,1\n")
    assert detect_csv(path).encoding == "utf-8"
    (chunk,) = FileSource(declare(path)).read(None)
    assert [one.reason for one in chunk.rejected] == ["bytes that are not text in the declared encoding"]


def test_encoding_is_weighed_over_the_whole_file(tmp_path: Path) -> None:
    """ASCII for two megabytes, then one umlaut."""
    path = file(tmp_path, b"a,b\n" + b"1,plain\n" * 300_000 + "2,süß\n".encode("cp1252"))
    assert detect_csv(path).encoding == "cp1252"


def test_mark_of_the_file_must_agree_with_the_declared_encoding(tmp_path: Path) -> None:
    path = file(tmp_path, "a,b\n1,2\n".encode("utf-16"))
    with pytest.raises(DataError, match="mark of utf-16"):
        list(FileSource(SourceSpec("rows", "files", path)).read(None))


@pytest.mark.parametrize("encoding", ["shift_jis", "utf-7", "cp037", "zip", "none-such"])
def test_encodings_that_cannot_be_cut_are_refused(tmp_path: Path, encoding: str) -> None:
    path = file(tmp_path, b"a,b\n1,2\n")
    with pytest.raises(ConfigError, match=encoding):
        list(FileSource(SourceSpec("rows", "files", path, csv=CsvForm(encoding=encoding))).read(None))


@pytest.mark.parametrize(
    ("header", "names"),
    [
        (b",a,b", ["column_1", "a", "b"]),
        (b" a , b", ["a", "b"]),
        (b'"a\nb",c', ["a\nb", "c"]),
        (b"2019,2020,y", ["2019", "2020", "y"]),
    ],
)
def test_header_names(tmp_path: Path, header: bytes, names: list[str]) -> None:
    path = file(tmp_path, header + b"\n" + b",".join([b"1"] * len(names)) + b"\n")
    assert read_head(path, 5).columns == names


@pytest.mark.parametrize(
    ("header", "words"),
    [
        (b"a,b,a,b,c", ["column 'a': stands 2 times", "column 'b': stands 2 times"]),
        (b"_row,_label,c", ["column '_row'", "column '_label'"]),
        (b"1.5,2,-3e4", ["has no header"]),
        (b"x" * 300 + b",b", ["300 characters"]),
        (b'a,"b', ["header cannot be read"]),
        (b"a,b\r1,2\r", ["carriage return"]),
        (b",".join(b"c%d" % i for i in range(2001)), ["2001 columns"]),
        (b",column_1", ["column 'column_1': stands 2 times"]),
    ],
)
def test_headers_that_mislead_are_refused(tmp_path: Path, header: bytes, words: list[str]) -> None:
    path = file(tmp_path, header + b"\n1,2,3\n")
    with pytest.raises(DataError) as error:
        list(FileSource(SourceSpec("rows", "files", path)).read(None))
    assert all(word in str(error.value) for word in words)


def test_head_is_text_for_csv_and_stops_early(tmp_path: Path) -> None:
    path = file(tmp_path, b"id,zip\n" + b"007,NA\n" * 5000)
    frame = read_head(path, 100)
    assert frame.shape == (100, 2)
    assert frame.row(0) == ("007", "NA")


def test_head_of_nothing_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no rows"):
        read_head(file(tmp_path, b"a,b\n"), 10)
    with pytest.raises(UsageError, match="folder"):
        read_head(tmp_path, 10)


def test_parquet_is_known_by_content(tmp_path: Path) -> None:
    path = tmp_path / "rows.data"
    pl.DataFrame({"a": [1]}).write_parquet(path)
    assert declare(path).format == "parquet"
    csv = tmp_path / "rows.parquet"
    csv.write_text("a,b\n1,2\n")
    with pytest.raises(DataError, match="called Parquet"):
        declare(csv)


@pytest.mark.parametrize(
    ("data", "form", "found"),
    [
        (b"a:b\n1:2\n", {"delimiter": ":"}, CsvForm(":")),
        (b"a,b;c\n1,2;3\n4,5;6\n", {"delimiter": ";"}, CsvForm(";", decimal=",")),
        ("имя,y\nЮлия,1\n".encode("cp1251"), {"encoding": "cp1251"}, CsvForm(encoding="cp1251")),
        ("a,b\n1,2\n".encode("utf-16-le"), {"encoding": "utf-16-le"}, CsvForm(encoding="utf-16-le")),
        (b"a,b\n'x, y',1\n", {"quote": '"', "delimiter": ","}, CsvForm()),
        (b"a;b\n'x; y';1\n", {"delimiter": ";"}, CsvForm(";", quote="'")),
    ],
)
def test_what_is_given_stands_and_the_rest_is_found(
    tmp_path: Path, data: bytes, form: dict[str, str], found: CsvForm
) -> None:
    assert detect_csv(file(tmp_path, data), **form) == found


@pytest.mark.parametrize(
    ("data", "decimal"),
    [
        (b"a;b\n1,5;2\n-3,25;x\n", ","),
        (b"a;b\n1.234,5;x\n", ","),
        (b"a,b\n1.5,2\n", "."),
        (b'a,b\n"1,234",x\n"12,345",y\n', "."),
        (b'a,b\n"1,234.5",x\n', "."),
        (b"a;b\n1.234;x\n", "."),
        (b"a;b\n0,125;x\n", ","),
        (b"a,b\nx,y\n", "."),
    ],
)
def test_decimal_sign_is_found_where_fractions_show_it(tmp_path: Path, data: bytes, decimal: str) -> None:
    """A group of three digits may be thousands, and says nothing."""
    path = file(tmp_path, data)
    assert detect_csv(path).decimal == decimal
    values = read_head(path, 5).rows()
    assert all(isinstance(value, str) for row in values for value in row)


def test_no_quote_can_be_pinned(tmp_path: Path) -> None:
    path = file(tmp_path, b'a,b\n1,"x\n"2",y\n')
    (chunk,) = FileSource(SourceSpec("rows", "files", path, csv=CsvForm(quote=""))).read(None)
    assert chunk.frame.drop("_row", "_offset").rows() == [("1", '"x'), ('"2"', "y")]
