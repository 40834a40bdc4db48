"""Accounting, for `make bench-data`: every file of the nasty corpus of the tests through a project of its own.

How many rows and how many lines that are none a file holds was counted by hand (tests/ingest/corpus.py). `ingest` must
give the same numbers, and the tables of the lake as well.
"""

import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

import polars as pl

from trimtab.loop.cycle import ingest
from trimtab.loop.state import Wheel, open_wheel

sys.path.insert(0, str(Path(__file__).parent.parent))

from tests.ingest.corpus import CORPUS, Nasty

PROJECT = """format = 1
[project]
name = "corpus"
[sources.rows]
kind = "files"
path = "drop"
format = "{format}"
"""
FORM = 'csv = {{ encoding = "{encoding}" }}\n'
CONTRACT = """format = 1
[row]
order = "file"
[target]
column = "y"
task = "binary"
positive = "1"
classes = ["0", "1"]
[columns.a]
type = "number"
"""
"""Nothing but numbers in `a`: so some rows of the corpus are accepted, and some break the contract."""


def account_for_corpus() -> dict[str, Any]:
    """Return files, rows in (by hand), what became of them by the verb, and every file where numbers do not agree."""
    totals = Counter({"files": len(CORPUS)})
    mismatches = []
    for name, nasty in CORPUS.items():
        with tempfile.TemporaryDirectory() as place:
            said, kept = _ingest(nasty, Path(place))
        totals.update(rows_in=nasty.accepted + nasty.rejected - nasty.waiting, waiting=nasty.waiting, **said)
        rows = said["accepted"] + said["quarantined"]
        if said != kept or (rows, said["rejected"]) != (nasty.accepted, nasty.rejected - nasty.waiting):
            mismatches.append(name)
    return {**totals, "mismatches": mismatches}


def _ingest(nasty: Nasty, folder: Path) -> tuple[dict[str, int], dict[str, int]]:
    """Return what `ingest` says of one file, and what the lake holds of it."""
    form = FORM.format(encoding=nasty.encoding) if nasty.format == "csv" else ""
    (folder / "trimtab.toml").write_text(PROJECT.format(format=nasty.format) + form, encoding="utf-8")
    (folder / "contract.toml").write_text(CONTRACT, encoding="utf-8")
    (folder / "drop").mkdir()
    data = nasty.data if isinstance(nasty.data, bytes) else nasty.data(folder)
    (folder / "drop" / "nasty").write_bytes(data)
    wheel = open_wheel(folder)
    done = ingest(wheel, tell=lambda _: None)
    said = {"accepted": done.accepted, "quarantined": done.quarantined, "rejected": done.rejected}
    return said, _count_kept(wheel)


def _count_kept(wheel: Wheel) -> dict[str, int]:
    clean = wheel.lake.read(wheel.clean).select(pl.len()).collect().item()
    bad = wheel.lake.read("quarantine").select(pl.col("_row").is_null()).collect()["_row"]
    return {"accepted": clean, "quarantined": int((~bad).sum()), "rejected": int(bad.sum())}
