"""A nasty corpus: odd, broken and hostile files, each with how many rows and rejected lines are in it, by hand."""

import gzip
import io
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import polars as pl
import zstandard
from tests.ingest.workbooks import write_workbook


@dataclass(frozen=True)
class Nasty:
    """Bytes, and what becomes of them: rows accepted, lines rejected, and words of the first reason.

    `waiting` of the rejected lines are only begun: a file that may still grow keeps them for the next read.
    """

    data: bytes | Callable[[Path], bytes]
    accepted: int
    rejected: int
    words: str = ""
    format: str = "csv"
    encoding: str = "utf-8"
    waiting: int = 0


def parquet(frame: pl.DataFrame) -> bytes:
    written = io.BytesIO()
    frame.write_parquet(written)
    return written.getvalue()


def archive(name: str, data: bytes) -> bytes:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr(name, data)
    return written.getvalue()


def workbook(**cells: str | float) -> Callable[[Path], bytes]:
    return lambda folder: write_workbook(folder / ".book", {"one": cells}).read_bytes()


WIDE = ",".join(f"c{n}" for n in range(10_000)).encode()
BOMB = b"a,b\n" + b"0,0\n" * (20 << 20)

CORPUS = {
    "BOM": Nasty(b"\xef\xbb\xbfa,b\n1,x\n", 1, 0),
    "UTF-16": Nasty("a,b\n1,ü\n2,€\n".encode("utf-16"), 2, 0, encoding="utf-16"),
    "UTF-16, half a character": Nasty(
        "a,b\n1,x\n".encode("utf-16") + b"\x41", 1, 1, "1 values", encoding="utf-16", waiting=1
    ),
    "UTF-16 said to be UTF-8": Nasty("a,b\n1,x\n".encode("utf-16"), 0, 1, "mark of utf-16"),
    "ragged": Nasty(b"a,b\n1\n1,2,3\n1,2\n\n,\n", 2, 2, "1 values where the header has 2"),
    "quotes in quotes": Nasty(b'a,b\n"say ""no""",1\n"a ""b"" c" x,1\n', 1, 1, "text follows"),
    "quote never closed": Nasty(b'a,b\n1,"x\n' + b"2,y\n" * 2000, 2000, 1, "never closed"),
    "quotes across lines": Nasty(b'a,b\n1,"x\ny,z\n"\n2,w\n', 2, 0),
    "NUL": Nasty(b"a,b\n1,\0\n2,y\n", 1, 1, "NUL"),
    "NUL only": Nasty(b"\0" * 1000, 0, 1, ""),
    "1e400": Nasty(b"a,b\n1e400,x\n-1e400,y\n", 2, 0),
    "mixed line ends": Nasty(b"a,b\r\n1,x\n2,y\r\n3,z", 3, 0),
    "carriage returns only": Nasty(b"a,b\r1,x\r2,y\r", 0, 1, "header"),
    "stray carriage return": Nasty(b"a,b\n1,x\ry\n2,z\n", 1, 1, "carriage return"),
    "doubled header": Nasty(b"a,a\n1,2\n", 0, 1, "stands 2 times"),
    "reserved header": Nasty(b"_row,b\n1,2\n", 0, 1, "trimtab adds"),
    "empty": Nasty(b"", 0, 1, "empty"),
    "blank": Nasty(b"\n\n  \n", 0, 1, "no names"),
    "header only": Nasty(b"a,b\n", 0, 0),
    "no header": Nasty(b"1,2\n3,4\n", 0, 1, "no header"),
    "10,000 columns": Nasty(WIDE + b"\n" + b"1," * 9999 + b"1\n", 0, 1, "10000 columns; the limit is 2000"),
    "formulas": Nasty(b"a,b\n=cmd|' /C calc'!A0,@SUM(1)\n+1,-1\n", 2, 0),
    "value too long": Nasty(b"a,b\n1," + b"x" * 200_000 + b"\n2,y\n", 1, 1, "131,072"),
    "line too long": Nasty(b"a,b\n" + b"x" * (40 << 20), 0, 1, "longer than 16 MB"),
    "broken UTF-8": Nasty(b"a,b\n1,\xff\xfe\n2,\xc3\xbc\n", 1, 1, "not text"),
    "gzip": Nasty(gzip.compress(b"a,b\n1,x\n2\n"), 1, 1, "1 values"),
    "gzip, cut": Nasty(gzip.compress(b"a,b\n" + b"1,x\n" * 999)[:-9], 0, 1, "ends in the middle"),
    "gzip bomb": Nasty(gzip.compress(BOMB), 0, 1, "max_expansion"),
    "zstd bomb": Nasty(zstandard.compress(BOMB), 0, 1, "max_expansion"),
    "zip": Nasty(archive("rows.csv", b"a,b\n1,2\n"), 0, 1, "zip archive"),
    "Parquet": Nasty(parquet(pl.DataFrame({"a": [1, None]})), 2, 0, format="parquet"),
    "Parquet, cut": Nasty(parquet(pl.DataFrame({"a": range(1000)}))[:-5], 0, 1, "Parquet", format="parquet"),
    "Parquet, its end only": Nasty(b"PAR1" + b"\0" * 8 + b"PAR1", 0, 1, "Parquet", format="parquet"),
    "Parquet, nested": Nasty(parquet(pl.DataFrame({"a": [[1]]})), 0, 1, "no plain values", format="parquet"),
    "JSON lines": Nasty(b'{"a":1}\n\n{"a":1e400}\n[]\n{"a":2}\n', 2, 2, "limits", format="jsonl"),
    "JSON lines, half": Nasty(b'{"a":1}\n{"a":', 1, 1, "no JSON", format="jsonl", waiting=1),
    "JSON lines, none": Nasty(b"", 0, 0, format="jsonl"),
    "JSON, an array": Nasty(b'[\n{"a":1},\n{"a":2}\n]', 1, 3, "no JSON", format="jsonl", waiting=1),
    "JSON lines, endless": Nasty(b'{"a":"' + b"x" * (40 << 20), 0, 1, "longer than 16 MB", format="jsonl"),
    "workbook": Nasty(workbook(A1="a", A2=1.0, A3="#REF!"), 1, 1, "error of Excel", format="excel"),
    "workbook, huge sheet": Nasty(workbook(A1="a", XFD1048576=1.0), 0, 1, "reaches to", format="excel"),
    "workbook, zip bomb": Nasty(archive("xl/worksheets/a.xml", BOMB), 0, 1, "max_expansion", format="excel"),
    "workbook, other zip": Nasty(archive("rows.csv", b"a,b\n1,2\n"), 0, 1, "no Excel", format="excel"),
}
