"""monitor.1, the part that a check sees: a column that is renamed where rows come from is told by the next turn."""

import tempfile
from pathlib import Path

from trimtab.audit.readiness.check import Check
from trimtab.audit.readiness.found import Found
from trimtab.audit.readiness.ground import Ground
from trimtab.audit.readiness.sample import LATER, ROWS, Sample, open_sample, raw_rows
from trimtab.errors import TrimtabError
from trimtab.loop.cycle import ingest
from trimtab.nouns import Column, SourceSpec, State


def check_change(ground: Ground) -> Found:
    """For each source of rows: rename a column that the contract knows, and see whether anybody is told."""
    told: dict[str, str] = {}
    silent: list[str] = []
    for spec in (one for one in ground.project.sources if one.role == "rows"):
        column = find_column(ground, spec)
        if column is None:
            continue
        with (
            tempfile.TemporaryDirectory(dir=ground.scratch) as folder,
            open_sample(ground, Path(folder) / "small") as one,
        ):
            words = rename(ground, one, spec.name, column.name)
        if words:
            told[f"{spec.name}.{column.name}"] = words
        else:
            silent.append(f"{spec.name}.{column.name}")
    return _tell(told, silent)


def _tell(told: dict[str, str], silent: list[str]) -> Found:
    said = "; ".join(f"{name} renamed: {words[:100]}" for name, words in told.items())
    if silent:
        said = "; ".join(filter(None, (said, f"nobody is told when {' or '.join(silent)} is renamed")))
    numbers = {"told": len(told), "silent": len(silent)}
    if not told and not silent:
        return Found(State.CANNOT_TELL, "no source has a column that the contract knows", "", (), numbers)
    if not told:
        missing = "say required = true in contract.toml for what must never be missing, or give it a rule in [raw.*]"
        return Found(State.FAIL, said, missing, (), numbers)
    missing = f"a rule in [raw.*] would tell of {', '.join(silent)}" if silent else ""
    return Found(State.PASS, said, missing, (), numbers)


def find_column(ground: Ground, spec: SourceSpec) -> Column | None:
    """Return the column of a source to rename: one that the contract asks for, if there is one."""
    names = set(raw_rows(ground, spec.name, 0, 1).columns)
    contract = ground.wheel.contract
    known = [*contract.raw.get(spec.name, ()), *contract.features]
    found = [column for column in known if column.name in names]
    return max(found, key=lambda column: column.required, default=None)


def rename(ground: Ground, small: Sample, source: str, column: str) -> str:
    """Return what the turn after a renaming says of it; empty where it says nothing."""
    ingest(small.wheel, tell=lambda _: None)
    later = raw_rows(ground, source, ROWS, LATER)
    rows = later if later.height else raw_rows(ground, source, 0, LATER)
    small.drop(source, rows.rename({column: f"{column}_renamed"}))
    try:
        done = ingest(small.wheel, tell=lambda _: None)
    except TrimtabError as error:
        return error.message
    return ", ".join(f"{reason} in {rows}" for reason, rows in done.reasons.items()) or "; ".join(done.sentences)


CHECK = Check("monitor.1", "a column renamed at each source", check_change)
