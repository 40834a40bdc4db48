"""What a table needs now and then: rows that are too old go, small files become one, files of no version go.

    expired    rows that arrived before a moment are deleted; versions that a Snapshot pins keep them
    merged     one append is one file; neighbours are written together, about `TARGET` bytes each
    dropped    data files that neither the newest nor a pinned version needs are removed from the disk

Positions and transactions stand in commits, and no commit is ever removed, so all of it leaves them as they are.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import unquote

import polars as pl
from deltalake import DeltaTable

from trimtab.store.delta_log import actions_of, commit_files, sync_commits
from trimtab.store.erasure import ARRIVED
from trimtab.store.files import sync
from trimtab.store.lake import Lake, file_names

TARGET = 20_000_000
"""Bytes of a file that compaction aims at."""
GRACE = timedelta(minutes=15)
"""How long a file outlives the version that needed it: somebody may just be reading it, or about to commit it."""


@dataclass(frozen=True, slots=True)
class Upkeep:
    """What was done to a table, or would be: rows that expired, files merged, files dropped and their bytes."""

    table: str
    expired: int = 0
    merged: int = 0
    dropped: int = 0
    freed: int = 0


def keep_up(
    lake: Lake,
    table: str,
    *,
    pins: Collection[int],
    now: datetime,
    before: datetime | None = None,
    grace: timedelta = GRACE,
    dry_run: bool = False,
) -> Upkeep:
    """Return what was done to a table, durably; with `dry_run` what would be done.

    `pins` are versions that stay readable. Rows that arrived before `before` are deleted. Nobody else may be writing
    to the table, except by `append`.
    """
    folder = lake.folder(table)
    with lake.explained(table):
        handle = lake.open(table)
        if handle is None:
            return Upkeep(table)
        first, expired, small = handle.version(), _count_expired(lake, table, handle, before), _small(handle)
        if not dry_run and expired and before is not None:
            moment = before.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
            handle.delete(f"{ARRIVED} < arrow_cast('{moment}', 'Timestamp(Microsecond, Some(\"UTC\"))')")
        merged = small if dry_run else _merge(handle, small)
        if handle.version() > first:
            sync_commits(folder, first, handle.version())
        unneeded = _unneeded(handle, folder, pins, now - grace)
        freed = sum(path.stat().st_size for path in unneeded)
        if unneeded and not dry_run:
            for path in unneeded:
                path.unlink(missing_ok=True)
            sync(folder)
    return Upkeep(table, expired, merged, len(unneeded), freed)


def _count_expired(lake: Lake, table: str, handle: DeltaTable, before: datetime | None) -> int:
    """Return how many rows are too old; where the log's bounds say that none is, no file is opened."""
    if before is None or ARRIVED not in pl.Schema(handle.schema().to_arrow()):
        return 0
    added = pl.DataFrame(handle.get_add_actions(flatten=True))
    bounds = f"min.{ARRIVED}"
    if bounds in added.columns and not (added[bounds] < before).fill_null(value=True).any():
        return 0
    return int(lake.read(table).filter(pl.col(ARRIVED) < before).select(pl.len()).collect().item())


def _small(handle: DeltaTable) -> int:
    sizes = pl.DataFrame(handle.get_add_actions(flatten=True))["size_bytes"]
    small = int((sizes < TARGET // 2).sum())
    return small if small > 1 else 0


def _merge(handle: DeltaTable, small: int) -> int:
    return int(handle.optimize.compact(target_size=TARGET)["numFilesRemoved"]) if small else 0


def _unneeded(handle: DeltaTable, folder: Path, pins: Collection[int], since: datetime) -> list[Path]:
    """Return the data files that no version needs which is newest, pinned, or was newest after a moment."""
    needed = set(file_names(handle))
    for log in commit_files(folder):
        if log.stat().st_mtime >= since.timestamp():
            named = [action.get("add") or action.get("remove") for action in actions_of(log)]
            needed.update(unquote(file["path"]) for file in named if file)
    newest = handle.version()
    for pin in sorted({pin for pin in pins if 0 <= pin < newest}):
        handle.load_as_version(pin)
        needed.update(file_names(handle))
    old = (path for path in folder.glob("*.parquet") if path.name not in needed)
    return [path for path in old if path.stat().st_mtime < since.timestamp()]
