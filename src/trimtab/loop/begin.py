"""init: from one file of rows to a project whose every guess can be read and changed."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from shlex import quote

import polars as pl

from trimtab import config
from trimtab.contract.infer import infer
from trimtab.errors import DataError, Mistake, UsageError, nearest
from trimtab.ingest import UnclearForm, declare, read_head
from trimtab.metrics.figures import count
from trimtab.nouns import Contract, SourceSpec
from trimtab.nouns.project import CsvForm

_PLAIN = str.maketrans("äöüßéè", "aousee")
_FORMATS = {"parquet": "Parquet", "jsonl": "JSON lines", "excel": "an Excel workbook"}
_SPELLED = {"tab": "\t", "\\t": "\t", "space": " "}

HEAD_ROWS = 200_000
"""Rows that the Contract is inferred from."""


@dataclass(frozen=True, slots=True)
class Begun:
    """A new project: what was guessed, in sentences, and its Contract."""

    sentences: tuple[str, ...]
    contract: Contract


def begin(
    folder: Path,
    data: Path,
    *,
    target: str,
    time: str | None = None,
    order: str | None = None,
    task: str | None = None,
    form: Mapping[str, str] | None = None,
    tell: Callable[[str], None],
) -> Begun:
    """Write trimtab.toml and contract.toml into `folder`, inferred from the rows of `data`, which is not copied.

    `form`: delimiter, encoding and quote of a CSV file; what is absent is detected. Raises UsageError when the folder
    holds a project already, the file is missing, or a column is not in it; DataError when the form is not certain.
    """
    _refuse_file(folder)
    if (folder / "trimtab.toml").exists():
        raise UsageError(f"{folder} holds a project already.", hint="choose another folder, or edit its trimtab.toml")
    if not data.exists():
        near = _nearest_file(data) or "."
        raise UsageError(
            f"There is no {data}{near}", hint="give --data the path of a CSV, Parquet, JSON lines or Excel file"
        )
    declared, frame = _read(data, _checked(form or {}))
    tell(f"looking at {count(frame.height, 'row')} of {count(frame.width, 'column')}")
    inferred = infer(frame, target=target, time=time, order=order, task=task, text=declared.is_text)
    source = _slug(data.stem, "_") or "rows"
    found = declared.csv if declared.format == "csv" else None
    file_order = inferred.contract.row.order == "file"
    text = config.project_text(
        _name(folder), source, _path(folder, data), found or declared.format, file_order=file_order
    )
    contract = config.contract_text(inferred.contract, inferred.notes)
    _write(folder, text, contract)
    return Begun((_form_sentence(data, found or declared.format), *inferred.findings), inferred.contract)


def _refuse_file(folder: Path) -> None:
    """Raise UsageError where a folder cannot be made because a file has its name, or that of a folder above it."""
    there = next(step for step in (folder.absolute(), *folder.absolute().parents) if step.exists())
    if not there.is_dir():
        hint = "name a folder: trimtab init DIR --data FILE --target COLUMN"
        raise UsageError(f"{there} is a file, so no project can be there.", hint=hint)


def _checked(form: Mapping[str, str]) -> dict[str, str]:
    """Return what is given of a form, "tab" as its character. Raises UsageError for more than one character."""
    given = {key: _SPELLED.get(value, value) for key, value in form.items() if value}
    mistakes = [
        Mistake(f"--{key}", f"'{value}' is not one character")
        for key, value in given.items()
        if key != "encoding" and len(value) != 1
    ]
    if mistakes:
        raise UsageError("The flags do not fit a CSV file.", mistakes=mistakes, hint="for example --delimiter ';'")
    return given


def _read(data: Path, form: Mapping[str, str]) -> tuple[SourceSpec, pl.DataFrame]:
    """Return how the file is read, and its first rows. Flags settle what is unclear: there is no trimtab.toml yet."""
    try:
        declared = declare(data, form=form)
        return declared, read_head(data, HEAD_ROWS, declared)
    except UnclearForm as error:
        flags = " ".join(f"--{key} {_flag_value(value)}" for key, value in error.settles.items())
        raise DataError(error.message, hint=f"say how the file is written, and try again with {flags}") from None


def _flag_value(value: str) -> str:
    return quote({"\t": "tab"}.get(value, value)) if value else "..."


def _write(folder: Path, project: str, contract: str) -> None:
    try:
        texts = {"contract.toml": contract.encode(), "trimtab.toml": project.encode()}
    except UnicodeEncodeError:
        raise UsageError("The path of the data is not UTF-8, so no file can name it.", hint="rename it") from None
    state = folder / ".trimtab"
    state.mkdir(parents=True, exist_ok=True)
    (state / ".gitignore").write_text("*\n", encoding="utf-8")
    # trimtab.toml comes last and whole: its existence means that there is a project.
    for name, data in texts.items():
        unfinished = state / f"{name}.new"
        unfinished.write_bytes(data)
        unfinished.replace(folder / name)


def _path(folder: Path, data: Path) -> str:
    """Return the path as trimtab.toml writes it: relative where the file lies inside the project's folder."""
    whole, home = data.resolve(), folder.resolve()
    return str(whole.relative_to(home)) if whole.is_relative_to(home) else str(whole)


def _name(folder: Path) -> str:
    name = _slug(folder.resolve().name, "-")[:40].strip("-")
    return name or "project"


def _slug(text: str, joint: str) -> str:
    plain = text.lower().translate(_PLAIN)
    return re.sub(r"^[^a-z]+", "", re.sub(r"[^a-z0-9]+", joint, plain)).strip(joint)[:40]


def _nearest_file(data: Path) -> str:
    try:
        return nearest(data.name, [path.name for path in data.parent.iterdir()])
    except OSError:
        return ""


def _form_sentence(data: Path, form: CsvForm | str) -> str:
    if isinstance(form, str):
        return f"{data.name} is {_FORMATS[form]}."
    written = {"\t": "tab"}.get(form.delimiter, f"'{form.delimiter}'")
    decimal = ", decimal comma" if form.decimal == "," else ""
    return f"{data.name} is CSV: delimiter {written}, encoding {form.encoding}{decimal}."
