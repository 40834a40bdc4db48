"""A sheet of an Excel workbook (.xlsx) as rows of text, looked through before the library opens it."""

import html
import re
import zipfile
import zlib
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import polars as pl

from trimtab.errors import ConfigError, DataError
from trimtab.ingest.base import MAX_COLUMNS, check_names
from trimtab.ingest.blocks import CHUNK_ROWS
from trimtab.ingest.records import Bad, Portion
from trimtab.nouns import SourceSpec

MAX_CELLS = 25_000_000
"""Cells of the rectangle from A1 to the last used one: the library holds them all at once."""

_PIECE = 1 << 20
_SLACK = 1 << 20
_CELL = re.compile(rb"<(?:\w+:)?c[\s/>]")
_PLACE = re.compile(rb"""<(?:\w+:)?(?:c|row)\s(?:[^>]*?\s)?r\s*=\s*["']([A-Za-z]{0,7})(\d{1,9})["']""")
_FAULT = re.compile(rb"""<(?:\w+:)?c\b(?=[^>]*\st\s*=\s*["']e["'])[^>]*\sr\s*=\s*["'][A-Za-z]+(\d+)["']""")
_SHEET = re.compile(r"<(?:\w+:)?sheet\s[^>]*>")
_INDEX = ("_rels/.rels", "xl/_rels/workbook.xml.rels", "xl/workbook.xml")
_LINK = re.compile(r"<(?:\w+:)?Relationship\s[^>]*>")


@dataclass(slots=True)
class Extent:
    """How far a sheet reaches, and which of its rows hold an error such as #DIV/0!, which is no value."""

    rows: int = 0
    columns: int = 0
    faults: set[int] = field(default_factory=set)


def is_workbook(file: BinaryIO) -> bool:
    """Whether an open file is an Excel workbook of the kind that is read here."""
    file.seek(0)
    if file.read(4) != b"PK\x03\x04":
        return False
    try:
        with zipfile.ZipFile(file) as archive:
            return "xl/workbook.xml" in archive.namelist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        return False


def read_sheet(path: Path, where: str, spec: SourceSpec, begin: int) -> Iterator[Portion]:
    """Yield the rows behind the first `begin` rows of the sheet, all text; the first used row holds the names.

    Numbers come as Excel's shortest decimal, times as `2026-01-31 12:00:00`, empty cells as "". Rows are counted as
    Excel counts them. Raises DataError for what is no such workbook or larger than the limits, ConfigError where the
    sheet is not certain or the extra is not installed.
    """
    extents = _survey(path, where, spec)
    sheet = _choose(extents, spec, where)
    _refuse_huge(extents[sheet], where, sheet)
    cells = _load(path, sheet, where)
    used = (
        cells.select(pl.any_horizontal(pl.all().is_not_null())).to_series()
        if cells.width
        else pl.Series([], dtype=pl.Boolean)
    )
    if not used.any():
        raise DataError(f"{where}: sheet '{sheet}' is empty.", hint="its first row holds the names of the columns")
    top = int(used.arg_max() or 0)
    names = _names(cells.row(top), where)
    cells = cells.fill_null("").rename(dict(zip(cells.columns, names, strict=True)))
    return _portions(cells, used, extents[sheet].faults, max(begin, top + 1), begin)


def _refuse_huge(extent: Extent, where: str, sheet: str) -> None:
    if extent.columns > MAX_COLUMNS or extent.rows * extent.columns > MAX_CELLS:
        what = f"{where}: sheet '{sheet}' reaches to row {extent.rows:,}, column {extent.columns:,}."
        hint = f"at most {MAX_COLUMNS:,} columns and {MAX_CELLS:,} cells; delete what stands far off, or save it as CSV"
        raise DataError(what, hint=hint)


def _portions(cells: pl.DataFrame, used: pl.Series, faults: set[int], begin: int, done: int) -> Iterator[Portion]:
    """Yield the rows from `begin` on; the first portion also counts the rows between `done` and `begin`."""
    while True:
        end = min(begin + CHUNK_ROWS, cells.height)
        places = np.arange(begin, end)
        wrong = np.isin(places + 1, list(faults))
        keep = used[begin:end].to_numpy() & ~wrong
        frame = cells[begin:end]
        shown = frame.filter(pl.Series(wrong)).rows()
        bad = tuple(
            Bad(int(place) - done, ",".join(row), "an error of Excel in a cell, such as #DIV/0!")
            for place, row in zip(places[wrong], shown, strict=True)
        )
        yield Portion(frame.filter(pl.Series(keep)), places[keep] - done, bad, end - done)
        begin = done = end
        if begin >= cells.height:
            return


def _names(row: tuple[Any, ...], where: str) -> list[str]:
    names = [str(name or "").strip() or f"column_{place}" for place, name in enumerate(row, start=1)]
    check_names(names, where)
    return names


def _load(path: Path, sheet: str, where: str) -> pl.DataFrame:
    try:
        import fastexcel
    except ImportError:
        hint = "pip install 'trimtab[excel]'"
        raise ConfigError(f"{where} is an Excel workbook, and no reader for it is installed.", hint=hint) from None
    try:
        loaded = fastexcel.read_excel(path).load_sheet(sheet, header_row=None, skip_rows=0, dtypes="string")
        return loaded.to_polars()
    except BaseException as error:
        if isinstance(error, Exception) or type(error).__name__ == "PanicException":
            what = f"{where} is no readable Excel workbook: {str(error).splitlines()[0][:160] if str(error) else ''}"
            raise DataError(what, hint="save it again as .xlsx, or as CSV") from None
        raise


def _choose(extents: dict[str, Extent], spec: SourceSpec, where: str) -> str:
    names = ", ".join(f"'{name}'" for name in extents)[:300]
    filled = [name for name, extent in extents.items() if extent.columns]
    if spec.sheet and spec.sheet not in extents:
        raise DataError(
            f"{where} has no sheet '{spec.sheet}'; there are {names}.", hint="correct `sheet` of this source"
        )
    if spec.sheet:
        return spec.sheet
    if len(filled) > 1:
        hint = f'write sheet = "{filled[0]}" (or another) under its [sources.NAME] in trimtab.toml'
        raise DataError(
            f"{where} has {len(filled)} sheets with cells, and which one is meant is not certain: {names}.", hint=hint
        )
    if not filled:
        raise DataError(f"{where} has no cells.", hint="a sheet begins with a row of column names")
    return filled[0]


def _survey(path: Path, where: str, spec: SourceSpec) -> dict[str, Extent]:
    """Return the extent of each sheet by name. Every byte is unpacked once, counted and let go.

    Raises DataError where the archive grows beyond the limits or is damaged, or where a sheet is too large.
    """
    budget = [min(spec.max_bytes, path.stat().st_size * spec.max_expansion + _SLACK)]
    try:
        with zipfile.ZipFile(path) as archive:
            texts, extents = _look_through(archive, budget, where)
    except (zipfile.BadZipFile, zlib.error, OSError, EOFError, ValueError, NotImplementedError) as error:
        what = f"{where} is no readable .xlsx workbook: {str(error)[:100]}"
        raise DataError(what, hint="save it as .xlsx without a password; .xls, .xlsb and .ods are not read") from None
    return {name: extents[part] for name, part in _parts(texts, where).items() if part in extents}


def _look_through(archive: zipfile.ZipFile, budget: list[int], where: str) -> tuple[dict[str, str], dict[str, Extent]]:
    """Return the texts that say which sheet is which part, and the extent of each part that holds a sheet."""
    members = {member.filename.lower(): member for member in archive.infolist()}
    if len(members) < len(archive.infolist()):
        raise ValueError("two parts of one name, of which the library might open the other")
    texts, extents = {}, {}
    for name, member in members.items():
        pieces = _unpack(archive, member, budget, where)
        if name.startswith("xl/worksheets/") and name.endswith(".xml"):
            extents[name] = _measure(pieces)
        elif name in _INDEX:
            texts[name] = b"".join(pieces).decode(errors="replace")
        else:
            deque(pieces, maxlen=0)
    return texts, extents


def _unpack(archive: zipfile.ZipFile, member: zipfile.ZipInfo, budget: list[int], where: str) -> Iterator[bytes]:
    """Yield what is really packed in a member: its own directory may claim less."""
    if member.flag_bits & 1 or member.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
        raise ValueError("encrypted or packed in an unknown way")
    file = archive.fp
    if file is None:
        raise ValueError("closed")
    file.seek(member.header_offset)
    head = file.read(30)
    file.seek(member.header_offset + 30 + int.from_bytes(head[26:28], "little") + int.from_bytes(head[28:30], "little"))
    left = member.compress_size
    inflater = zlib.decompressobj(wbits=-15) if member.compress_type == zipfile.ZIP_DEFLATED else None
    while left > 0 and (packed := file.read(min(_PIECE // 4, left))):
        left -= len(packed)
        while packed:
            piece = inflater.decompress(packed, _PIECE) if inflater else packed
            packed = inflater.unconsumed_tail if inflater else b""
            budget[0] -= len(piece)
            if budget[0] < 0:
                hint = "save it as CSV, or raise max_bytes or max_expansion of this source in trimtab.toml"
                raise DataError(f"{where} grows beyond max_bytes or max_expansion when it is unpacked.", hint=hint)
            yield piece


def _measure(pieces: Iterator[bytes]) -> Extent:
    extent = Extent()
    carried = b""
    for piece in pieces:
        text = carried + piece
        cut = text.rfind(b">") + 1
        text, carried = text[:cut], text[cut:][-_PIECE:]
        found = _PLACE.findall(text)
        columns = {column for column, _ in found}
        extent.rows = max([extent.rows, *map(int, {row for _, row in found})])
        extent.columns = max([extent.columns, *map(_column, columns)])
        if b"<!" in text or len(_CELL.findall(text)) > sum(1 for column, _ in found if column):
            raise ValueError("cells without their places, comments or declarations in a sheet")
        if b'"e"' in text or b"'e'" in text:
            extent.faults.update(map(int, _FAULT.findall(text)))
    return extent


def _column(letters: bytes) -> int:
    """Return the number of a column.

    >>> _column(b"A"), _column(b"AA"), _column(b"XFD")
    (1, 27, 16384)
    """
    number = 0
    for letter in letters.upper():
        number = number * 26 + letter - ord("A") + 1
    return number


def _parts(texts: dict[str, str], where: str) -> dict[str, str]:
    """Return which part of the archive holds which sheet."""
    roots, links, workbook = (texts.get(name, "") for name in _INDEX)
    parts = {}
    for tag in _LINK.findall(links):
        target = _attribute(tag, "Target").lower()
        parts[_attribute(tag, "Id")] = target.removeprefix("/") if target.startswith("/") else f"xl/{target}"
    books = [tag for tag in _LINK.findall(roots) if _attribute(tag, "Type").endswith("/officeDocument")]
    found = _SHEET.findall(workbook)
    if not found or [_attribute(tag, "Target").lower().removeprefix("/") for tag in books] != [_INDEX[2]]:
        raise DataError(f"{where} is a zip archive and no Excel workbook.", hint="unzip it, or save it as .xlsx")
    return {_attribute(tag, "name"): parts.get(_attribute(tag, r"\w+:id"), "") for tag in found}


def _attribute(tag: str, name: str) -> str:
    found = re.search(rf"""\s{name}\s*=\s*(["'])(.*?)\1""", tag)
    return html.unescape(found[2]) if found else ""
