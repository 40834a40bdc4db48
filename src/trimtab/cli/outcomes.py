"""`trimtab outcomes`."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from trimtab.cli.options import HERE, AsJson, Folder
from trimtab.cli.output import join_reasons, progress, show
from trimtab.cli.promote import find_user
from trimtab.errors import DataError, UsageError
from trimtab.loop.doubts import believe as believe_source
from trimtab.loop.outcomes import read_outcomes
from trimtab.loop.state import open_wheel

NONE = Path()
SHOWN = 20
"""Refused lines that are told to a person."""


def outcomes(
    folder: Folder = HERE,
    /,
    *,
    source: Annotated[
        Path, Parameter(name="--input", help="File with `prediction_id` or the key columns, and `value`.")
    ] = NONE,
    believe: Annotated[str, Parameter(help="Let the labels of this source count again, whatever they are like.")] = "",
    as_json: AsJson = False,
) -> int:
    """Read what really happened, from a file: one line per Prediction or key, with `value` and, if known, `known_at`.

    Good lines are kept where others are not. Exit code 1 where any line was refused. A source whose labels deviate from
    those of the others is doubted, and its labels do not count, until it agrees again or --believe says so.
    """
    if (source == NONE) == (not believe):
        raise UsageError("Give either --input FILE or --believe SOURCE.", hint="one of the two")
    if believe:
        decision = believe_source(open_wheel(folder), believe, by=find_user())
        show((join_reasons(decision.reasons),), {"decision": decision}, as_json=as_json)
        return 0
    return _read_file(folder, source, as_json=as_json)


def _read_file(folder: Path, source: Path, *, as_json: bool) -> int:
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
