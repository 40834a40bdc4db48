"""init: from one file of rows to a project whose every guess can be read and changed."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from trimtab import config
from trimtab.contract.infer import infer
from trimtab.errors import UsageError, nearest
from trimtab.ingest import declare, read_head
from trimtab.nouns import Contract
from trimtab.nouns.project import CsvForm

_PLAIN = str.maketrans("äöüßéè", "aousee")

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
    tell: Callable[[str], None],
) -> Begun:
    """Write trimtab.toml and contract.toml into `folder`, inferred from the rows of `data`, which is not copied.

    Raises UsageError when the folder holds a project already, the file is missing, or a column is not in it.
    """
    if (folder / "trimtab.toml").exists():
        raise UsageError(f"{folder} holds a project already.", hint="choose another folder, or edit its trimtab.toml")
    if not data.exists():
        near = _nearest_file(data) or "."
        raise UsageError(f"There is no {data}{near}", hint="give --data the path of a CSV or Parquet file")
    tell(f"reading {data.name}")
    declared = declare(data)
    frame = read_head(data, HEAD_ROWS)
    inferred = infer(frame, target=target, time=time, order=order, task=task, text=declared.is_text)
    source = _slug(data.stem, "_") or "rows"
    form = declared.csv if declared.is_text else None
    file_order = inferred.contract.row.order == "file"
    text = config.project_text(_name(folder), source, _path(folder, data), form, file_order=file_order)
    contract = config.contract_text(inferred.contract, inferred.notes)
    _write(folder, text, contract)
    return Begun((*_form_sentence(data, form), *inferred.findings), inferred.contract)


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


def _form_sentence(data: Path, form: CsvForm | None) -> tuple[str, ...]:
    if form is None:
        return (f"{data.name} is Parquet.",)
    written = {"\t": "tab"}.get(form.delimiter, f"'{form.delimiter}'")
    return (f"{data.name} is CSV: delimiter {written}, encoding {form.encoding}.",)
