"""`trimtab outcomes`."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from trimtab.cli.options import HERE, AsJson, Folder
from trimtab.cli.output import progress, show
from trimtab.errors import DataError
from trimtab.loop.outcomes import read_outcomes
from trimtab.loop.state import open_wheel

SHOWN = 20
"""Refused lines that are told to a person."""


def outcomes(
    folder: Folder = HERE,
    /,
    *,
    source: Annotated[
        Path, Parameter(name="--input", help="File with `prediction_id` or the key columns, and `value`.")
    ],
    as_json: AsJson = False,
) -> int:
    """Read what really happened, from a file: one line per Prediction or key, with `value` and, if known, `known_at`.

    Good lines are kept where others are not. Exit code 1 where any line was refused.
    """
    with progress(f"Reading {source} ...") as tell:
        read = read_outcomes(open_wheel(folder), source, tell=tell)
    if not (read.accepted or read.parked or read.repeated or read.corrected or read.rejected):
        raise DataError(f"{source.name} has no rows.", hint="name a file with rows")
    counts = (
        f"{read.accepted:,} accepted, {read.parked:,} parked until their Prediction appears, {read.repeated:,} known "
        f"already, {read.corrected:,} corrected (the older value is kept), {len(read.rejected):,} refused."
    )
    sentences = (counts, *(f"  {mistake}" for mistake in read.rejected[:SHOWN]))
    if len(read.rejected) > SHOWN:
        sentences += (f"  and {len(read.rejected) - SHOWN:,} more; --json names them all",)
    show(sentences, {"input": source, "outcomes": read}, as_json=as_json)
    return int(bool(read.rejected))
