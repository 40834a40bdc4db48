"""Rows taken out of a table for good: out of every file of every version, and out of what the log says of them.

A row that is deleted in the ordinary way stays in older files, and its values in the log's statistics. Here each data
file that holds one of the rows is written again without them, and each commit then names the new file in place of the
old one. So every version of the table stays readable under its number, without those rows; positions and transactions
are as they were.

The new files are named in a plan beside the log before anything is changed. From then on whoever opens the table first
finishes what was begun, so a crash leaves either the whole old table or one that the next look makes whole.
"""

import json
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote
from uuid import uuid4

import polars as pl

from trimtab import clock
from trimtab.nouns import canonical
from trimtab.store.column_name import read_name
from trimtab.store.delta_log import LOG, OURS, actions_of, commit_files
from trimtab.store.files import sync, write_whole

PLAN = ".erasure"
ARRIVED = "_arrived_at"
"""The one column whose bounds the log keeps: Predictions are found by it, and it names nobody."""

SETTLED = 5.0
"""Seconds after which a data file that no commit names is nobody's."""

Find = Callable[[pl.DataFrame], pl.Series]
"""From the rows of a file, their columns named as a reader sees them, to one Boolean for each."""


@dataclass(frozen=True, slots=True)
class Rewritten:
    """The file that stands for an old one: its name, its size in bytes, its rows."""

    path: str
    size: int
    rows: int


def read_files(folder: Path) -> Iterator[tuple[str, pl.DataFrame]]:
    """Yield each data file of a table with its rows, whichever versions it belongs to, none included.

    Raises:
        OSError: a file that the log names cannot be read; one that no commit names was never finished, and is left out.
    """
    for path in sorted(folder.glob("*.parquet")):
        try:
            rows = pl.read_parquet(path, glob=False).rename(read_name)
        except (pl.exceptions.PolarsError, OSError) as error:
            if path.name in _named(folder):
                raise OSError(f"{path.name} cannot be read: {error}") from error
            continue
        yield path.name, rows


def find_files(folder: Path, find: Find) -> dict[str, int]:
    """Return how many of the wanted rows each data file of a table holds; raises as `read_files` does."""
    found = {name: int(find(rows).sum()) for name, rows in read_files(folder)}
    return {name: rows for name, rows in found.items() if rows}


def erase_from(folder: Path, find: Find) -> None:
    """Take the wanted rows out of every file and version of a table, durably. A table without them only loses bounds.

    Only one process may write to the table meanwhile, except by appending; a reader may for a moment see a row twice,
    or miss a file.
    """
    named = _named(folder)
    plan = {name: _write_without(folder / name, find) for name in find_files(folder, find) if name in named}
    write_whole(folder / LOG / PLAN, canonical({name: asdict(file) for name, file in plan.items()}))
    finish(folder)
    _drop_strays(folder, find)


def _drop_strays(folder: Path, find: Find) -> None:
    """Remove files that no commit names and that hold such rows, or cannot be read: appends that a crash cut short.

    A young one may be an append under way: it is waited for until its commit must have come.
    """
    while strays := _strays(folder, find):
        wait = max(path.stat().st_mtime for path in strays) + SETTLED - clock.now().timestamp()
        if wait <= 0:
            for path in strays:
                path.unlink(missing_ok=True)
            break
        clock.sleep(min(wait, SETTLED))
    sync(folder)


def _strays(folder: Path, find: Find) -> list[Path]:
    harmless = {name for name, rows in read_files(folder) if not find(rows).any()} | _named(folder)
    return [path for path in folder.glob("*.parquet") if path.name not in harmless]


def finish(folder: Path) -> bool:
    """Carry out the plan that lies in a table's log, if there is one; return whether there was."""
    place = folder / LOG / PLAN
    if not place.exists():
        return False
    plan = {name: Rewritten(**file) for name, file in json.loads(place.read_text(encoding="utf-8")).items()}
    logs = commit_files(folder)
    told = next((log for log in reversed(logs) if _speaks(log)), None)
    for log in logs:
        _rewrite(log, plan, keep_words=log == told)
    for pattern in ("*.checkpoint*.parquet", "_last_checkpoint", "*.torn"):
        for path in (folder / LOG).glob(pattern):  # they repeat the log with its old bounds
            path.unlink()
    for name in plan:
        (folder / name).unlink(missing_ok=True)
    sync(folder)
    place.unlink()
    sync(folder / LOG)
    return True


def _named(folder: Path) -> set[str]:
    """Return every data file that some commit adds."""
    adds = (action.get("add") for log in commit_files(folder) for action in actions_of(log))
    return {unquote(add["path"]) for add in adds if add}


def _write_without(path: Path, find: Find) -> Rewritten:
    frame = pl.read_parquet(path, glob=False)
    rest = frame.filter(~find(frame.rename(read_name)))
    # The bounds in the old file's own name and footer go with it.
    fresh = path.with_name(f"part-00000-{uuid4()}-c000.zstd.parquet")
    rest.write_parquet(fresh, compression="zstd")
    sync(fresh)
    return Rewritten(fresh.name, fresh.stat().st_size, rest.height)


def _speaks(log: Path) -> bool:
    return any(OURS in action.get("commitInfo", {}) for action in actions_of(log))


def _rewrite(log: Path, plan: Mapping[str, Rewritten], *, keep_words: bool) -> None:
    """Write a commit again where it changes. Older positions are dropped: only the newest is ever asked for."""
    before = log.read_text(encoding="utf-8")
    lines = [json.dumps(action, separators=(",", ":")) for action in _rewritten(log, plan, keep_words=keep_words)]
    after = "\n".join(lines)
    if after != before:
        times = log.stat()
        write_whole(log, after)
        os.utime(log, ns=(times.st_atime_ns, times.st_mtime_ns))


def _rewritten(log: Path, plan: Mapping[str, Rewritten], *, keep_words: bool) -> Iterator[dict[str, Any]]:
    for action in actions_of(log):
        if not keep_words:
            action.get("commitInfo", {}).pop(OURS, None)
        if "add" in action:
            _replace_file(action["add"], plan)
            action["add"]["stats"] = _bounds(action["add"], plan)
        if "remove" in action:
            _replace_file(action["remove"], plan)
            action["remove"].pop("stats", None)
        yield action


def _replace_file(named: dict[str, Any], plan: Mapping[str, Rewritten]) -> None:
    fresh = plan.get(unquote(named["path"]))
    if fresh is not None:
        named.update(path=fresh.path, size=fresh.size)


def _bounds(add: Mapping[str, Any], plan: Mapping[str, Rewritten]) -> str | None:
    """Return a file's statistics with no bounds but those of the arrival, which fewer rows keep as well."""
    stats = json.loads(add.get("stats") or "{}")
    fresh = {file.path: file.rows for file in plan.values()}
    for name in ("minValues", "maxValues", "nullCount"):
        stats[name] = {column: value for column, value in stats.get(name, {}).items() if column == ARRIVED}
    if add["path"] in fresh:
        stats.update(numRecords=fresh[add["path"]], nullCount={})
    return json.dumps(stats, separators=(",", ":")) if "numRecords" in stats else None
