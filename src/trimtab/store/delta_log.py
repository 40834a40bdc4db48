"""The log of a Delta table as files: what a commit said, what of it must be synced, and which commit a power cut tore.

A commit is `_delta_log/<20 digits>.json`, one action a line, and the data files that its `add` actions name. deltalake
makes it appear at once and whole to everybody alive, and syncs none of it.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from trimtab.nouns import canonical
from trimtab.store.files import sync, sync_all

LOG = "_delta_log"
OURS = "trimtab"
_PARQUET = b"PAR1"
_SYNCED = ".trimtab_synced"


def annotate(metadata: Mapping[str, str]) -> dict[str, str] | None:
    """Return the custom metadata of a commit that carries the caller's, apart from what deltalake notes there."""
    return {OURS: canonical(dict(metadata))} if metadata else None


def newest_metadata(folder: Path) -> Mapping[str, str]:
    """Return the metadata of the newest commit that has any; empty where none has."""
    for log in reversed(commit_files(folder)):
        for action in actions_of(log):
            found = action.get("commitInfo", {}).get(OURS)
            if found:
                return dict(json.loads(found))
    return {}


def sync_commits(folder: Path, first: int, last: int) -> None:
    """Make the commits from `first` to `last` durable: data files, log, checkpoints, and the names of them all."""
    files = []
    for log in commit_files(folder, first, last):
        files += [log, *(path for path, _ in _added(folder, list(actions_of(log))))]
    log_folder = folder / LOG
    checkpoints = [path for path in log_folder.glob("*.checkpoint*.parquet") if first <= _number(path) <= last]
    hint = log_folder / "_last_checkpoint"
    sync_all([*files, *checkpoints, *([hint] if hint.exists() else [])])
    # Not synced itself: an older or empty note after a power cut only makes `mend` look further back.
    (log_folder / _SYNCED).write_text(str(last), encoding="utf-8")
    sync(folder)  # a commit without rows has no file there, and yet the table's first one made the log's folder


def mend(folder: Path) -> list[Path]:
    """Put commits aside that a power cut tore, newest first, and return where they are now.

    Nobody was told that such a commit is kept: `append` says so after the sync. So its rows are still where they came
    from, and come again. A torn checkpoint is removed; it only repeats the log.

    Raises:
        OSError: the newest commit is known to be synced and yet damaged: another mishap, and not to be hidden.
    """
    aside = []
    synced = _last_synced(folder)
    for log in reversed(commit_files(folder)):
        if _is_whole(folder, log):
            break
        if _number(log) <= synced:
            raise OSError(f"{log.name} or a file that it names was complete once, and is not any more")
        aside.append(log.rename(log.with_suffix(".torn")))
    for checkpoint in (folder / LOG).glob("*.checkpoint*.parquet"):
        if not _is_parquet(checkpoint):
            checkpoint.unlink()
            (folder / LOG / "_last_checkpoint").unlink(missing_ok=True)
    if aside:
        sync(folder / LOG)
    return aside


def _last_synced(folder: Path) -> int:
    with suppress(OSError, ValueError):
        return int((folder / LOG / _SYNCED).read_text(encoding="utf-8"))
    return -1


def commit_files(folder: Path, first: int = 0, last: int | None = None) -> list[Path]:
    """Return the commits of a table from `first` to `last`, oldest first; all of them by default."""
    if last is not None:
        return [log for number in range(max(first, 0), last + 1) if (log := _log_file(folder, number)).exists()]
    return sorted(path for path in (folder / LOG).glob("*.json") if path.stem.isdigit())


def _log_file(folder: Path, number: int) -> Path:
    return folder / LOG / f"{number:020d}.json"


def _number(path: Path) -> int:
    return int(path.name.partition(".")[0])


def actions_of(log: Path) -> Iterator[dict[str, Any]]:
    """Yield the actions of a commit, one for each of its lines. Raises ValueError for a torn one."""
    for line in log.read_text(encoding="utf-8").split("\n"):  # other line ends may stand within a text
        if line.strip():
            yield json.loads(line)


def _added(folder: Path, actions: list[dict[str, Any]]) -> list[tuple[Path, int]]:
    return [
        (folder / unquote(add["path"]), int(add["size"])) for add in (action.get("add") for action in actions) if add
    ]


def _is_whole(folder: Path, log: Path) -> bool:
    with suppress(ValueError, OSError):
        actions = list(actions_of(log))
        whole = all(path.stat().st_size == size and _is_parquet(path) for path, size in _added(folder, actions))
        return bool(actions) and whole
    return False


def _is_parquet(path: Path) -> bool:
    content_ends = (_PARQUET, _PARQUET)
    with path.open("rb") as file:
        beginning = file.read(4)
        file.seek(max(0, path.stat().st_size - 4))
        return (beginning, file.read(4)) == content_ends
