"""What SQLite and deltalake leave to the caller: making files and their names survive a power cut."""

import os
from collections.abc import Iterable
from pathlib import Path


def sync(path: Path) -> None:
    """Make the content of a file, or the names in a folder, durable."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_all(paths: Iterable[Path]) -> None:
    """Make files durable first, then every folder that names one of them."""
    files = tuple(paths)
    for path in files:
        sync(path)
    for folder in sorted({path.parent for path in files}):
        sync(folder)


def make_folder(folder: Path) -> Path:
    """Return the folder, made with its parents, each new name durable in the folder above it."""
    missing = [step for step in (folder, *folder.parents) if not step.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    for step in missing:
        sync(step.parent)
    return folder


def write_whole(path: Path, text: str) -> None:
    """Replace a small file by new text, durably: a reader sees the old text or the new one, never a part."""
    draft = path.with_name(f".{path.name}.draft")
    draft.write_text(text, encoding="utf-8")
    sync(draft)
    draft.replace(path)
    sync(path.parent)
