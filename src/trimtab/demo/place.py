"""The folder of a demonstration, passing or kept: for one demonstration at a time, never on top of other files."""

import shutil
import signal
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from trimtab.errors import HostError, UsageError
from trimtab.store.locks import hold

SPACE = 800_000_000
"""Bytes that a whole demonstration takes, with room to spare."""
MARK, LOCK = ".demo", ".demo.lock"
"""The mark says that a demonstration has this folder, `running` or `done`; the lock is held while it runs."""
OURS = (
    *(
        ".trimtab",
        "upstream",
        "trimtab.toml",
        "contract.toml",
        "pipeline.sql",
        "attestations.toml",
        "README.md",
        "planes.parquet",
    ),
    *("server.log", "log-loss.svg", "log-loss.png", "auc.svg", "auc.png"),
)
"""All that a demonstration puts into its folder."""


@contextmanager
def take_place(keep: Path | None, *, tell: Callable[[str], None]) -> Iterator[Path]:
    """Give an empty folder: `keep`, which is new, empty or left by an interrupted demonstration; else a passing one.

    Raises UsageError where other things are in `keep`, Busy where a demonstration runs in it, HostError where the disk
    is full.
    """
    if keep is None:
        folder = Path(tempfile.mkdtemp(prefix="trimtab-demo-"))
        try:
            _refuse_full(folder)
            yield folder.resolve()
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        return
    _refuse_strange(keep)
    keep.mkdir(parents=True, exist_ok=True)
    with hold(keep / LOCK, f"The folder {keep}"):
        _clear(keep, tell)
        _refuse_full(keep)
        (keep / MARK).write_text("running\n", encoding="utf-8")
        yield keep.resolve()
        (keep / MARK).write_text("done\n", encoding="utf-8")


@contextmanager
def heed_term() -> Iterator[None]:
    """Let a SIGTERM end the block like Ctrl-C, so that the passing folder goes and the server stops."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _refuse_strange(keep: Path) -> None:
    """Raise where the folder holds anything but an interrupted demonstration."""
    if not keep.exists():
        return
    if not keep.is_dir():
        raise UsageError(f"{keep} is a file.", hint="give --keep a new folder")
    found = {entry.name for entry in keep.iterdir()} - {MARK, LOCK}
    if not found:
        return
    hint = "give --keep a new folder"
    if _read_mark(keep) == "done":
        hint = f"look at it with `trimtab status {keep}`, or give --keep a new folder"
        raise UsageError(f"{keep} holds a finished demonstration.", hint=hint)
    strange = sorted(found - set(OURS))
    if _read_mark(keep) != "running" or strange:
        named = f": {', '.join(sorted(found)[:3])}"
        raise UsageError(f"{keep} is there already and not empty{named}.", hint=hint)


def _read_mark(keep: Path) -> str:
    try:
        return (keep / MARK).read_text(encoding="utf-8").strip()
    except OSError:
        return ""


def _clear(keep: Path, tell: Callable[[str], None]) -> None:
    """Remove what an interrupted demonstration left: it begins anew, so that one run has made all that it tells."""
    left = [keep / name for name in OURS if (keep / name).exists()]
    if left:
        tell("an interrupted demonstration lay here; it is cleared away, and this one begins anew")
    for path in left:
        shutil.rmtree(path) if path.is_dir() else path.unlink()


def _refuse_full(folder: Path) -> None:
    free = shutil.disk_usage(folder).free
    if free < SPACE:
        raise HostError(
            f"The disk of {folder} has {free / 1e6:,.0f} MB left; the demonstration takes up to {SPACE / 1e6:,.0f}.",
            hint="make room, or set TMPDIR or --keep to a folder on another disk",
        )
