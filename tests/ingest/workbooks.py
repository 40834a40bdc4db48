"""Small Excel workbooks, written by hand so that they can also be wrong."""

import zipfile
from collections.abc import Mapping
from pathlib import Path

_SPACE = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_DOCUMENT = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"

Cell = str | float | bool | None


def write_workbook(
    path: Path,
    sheets: Mapping[str, Mapping[str, Cell] | str],
    *,
    more: bytes = b"",
    workbook: str = "xl/workbook.xml",
) -> Path:
    """Write sheets, each cells by place (`{"A1": "name", "A2": 1.5}`) or raw XML. `#...` is an error, `@...` a date."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        names = list(enumerate(sheets, start=1))
        tags = "".join(f'<sheet name="{name}" sheetId="{n}" r:id="rId{n}"/>' for n, name in names)
        archive.writestr(
            "xl/workbook.xml", f'<workbook xmlns="{_SPACE}" xmlns:r="{_DOCUMENT}"><sheets>{tags}</sheets></workbook>'
        )
        links = "".join(
            f'<Relationship Id="rId{n}" Type="{_DOCUMENT}/worksheet" Target="worksheets/sheet{n}.xml"/>'
            for n, _ in names
        )
        links += f'<Relationship Id="rId0" Type="{_DOCUMENT}/styles" Target="styles.xml"/>'
        archive.writestr(
            "xl/_rels/workbook.xml.rels", f'<Relationships xmlns="{_PACKAGE}/relationships">{links}</Relationships>'
        )
        root = f'<Relationship Id="rId1" Type="{_DOCUMENT}/officeDocument" Target="{workbook}"/>'
        archive.writestr("_rels/.rels", f'<Relationships xmlns="{_PACKAGE}/relationships">{root}</Relationships>')
        archive.writestr("[Content_Types].xml", f'<Types xmlns="{_PACKAGE}/content-types"/>')
        formats = '<cellXfs count="2"><xf numFmtId="0"/><xf numFmtId="14" applyNumberFormat="1"/></cellXfs>'
        archive.writestr("xl/styles.xml", f'<styleSheet xmlns="{_SPACE}">{formats}</styleSheet>')
        for number, cells in enumerate(sheets.values(), start=1):
            body = cells if isinstance(cells, str) else _rows(cells)
            text = f'<worksheet xmlns="{_SPACE}"><sheetData>{body}</sheetData></worksheet>'
            archive.writestr(f"xl/worksheets/sheet{number}.xml", text)
        if more:
            archive.writestr("xl/media/image.bin", more)
    return path


def _rows(cells: Mapping[str, Cell]) -> str:
    rows: dict[int, list[str]] = {}
    for place, value in cells.items():
        rows.setdefault(int(place.lstrip("ABCDEFGHIJKLMNOPQRSTUVWXYZ")), []).append(_cell(place, value))
    return "".join(f'<row r="{number}">{"".join(found)}</row>' for number, found in sorted(rows.items()))


def _cell(place: str, value: Cell) -> str:
    if isinstance(value, bool):
        return f'<c r="{place}" t="b"><v>{int(value)}</v></c>'
    if isinstance(value, str) and value.startswith("#"):
        return f'<c r="{place}" t="e"><v>{value}</v></c>'
    if isinstance(value, str) and value.startswith("@"):
        return f'<c r="{place}" s="1"><v>{value[1:]}</v></c>'
    if isinstance(value, str):
        return f'<c r="{place}" t="inlineStr"><is><t xml:space="preserve">{value}</t></is></c>'
    return f'<c r="{place}"/>' if value is None else f'<c r="{place}"><v>{value!r}</v></c>'
