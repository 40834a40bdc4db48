"""The list of a Version's files with their hashes: written last, read first, and the Version is named by its hash."""

import hashlib
import json
import os
import re
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from trimtab.errors import VersionError
from trimtab.nouns import canonical, fingerprint

FORMAT = 1
MOST_BYTES = 200_000_000
NAME = "manifest.json"
REQUIRED = frozenset(
    {
        *("contract.toml", "encoder.json", "calibration.json", "threshold.json", "profile.json", "metrics.json"),
        *("golden.jsonl", "card.md", "environment.json"),
    }
)
# The only kinds of file that a Version may hold; none of them is code, and a name has no path in it.
_PLAIN_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}\.(json|jsonl|toml|txt|md|onnx)")


def write_manifest(folder: Path) -> str:
    """Write manifest.json over the files of a folder, make all of it durable, and return the Version's id."""
    files = {path.name: _digest(path.read_bytes()) for path in sorted(folder.iterdir())}
    data = canonical({"format": FORMAT, "files": files}).encode()
    for name in files:
        _sync(folder / name)
    (folder / NAME).write_bytes(data)
    _sync(folder / NAME)
    _sync(folder)
    return fingerprint(data)


def read_files(folder: Path, expect: str | None = None, *, unchecked: str = "") -> tuple[str, dict[str, bytes]]:
    """Return a Version's id and the bytes of its files, each checked against its hash.

    The one named `unchecked` may have been altered: what is read is then judged by other means, never loaded.

    Raises VersionError for anything else than a complete, unaltered folder of plain files: nothing is opened twice, so
    the bytes that were checked are the bytes that are used.
    """
    data = _read_plain(folder, NAME, 1_000_000)
    found = fingerprint(data)
    if expect is not None and found != expect:
        raise VersionError(f"The Version in {folder} is {found}, not {expect}.", hint=_HINT)
    hashes = _read_hashes(data, folder)
    _check_names(hashes, folder)
    files: dict[str, bytes] = {}
    room = MOST_BYTES
    for name, digest in hashes.items():
        files[name] = _read_plain(folder, name, room)
        room -= len(files[name])
        if _digest(files[name]) != digest and name != unchecked:
            raise VersionError(f"{folder / name} was altered: its hash is not the manifest's.", hint=_HINT)
    return found, files


_HINT = "run `trimtab train`, which makes the same Version from the same rows, or restore the folder from a copy"


def _read_hashes(data: bytes, folder: Path) -> Mapping[str, str]:
    try:
        plain: Any = json.loads(data)
        exact = canonical(plain).encode() == data
        known, files = plain["format"], plain["files"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise VersionError(f"{folder / NAME} cannot be read: {error}", hint=_HINT) from error
    if known != FORMAT:
        raise VersionError(f"{folder / NAME} has format {known!r}; this trimtab reads {FORMAT}.", hint="update trimtab")
    if not exact or set(plain) != {"format", "files"} or not isinstance(files, dict):
        raise VersionError(f"{folder / NAME} is not as trimtab writes it.", hint=_HINT)
    return files


def _check_names(hashes: Mapping[str, str], folder: Path) -> None:
    """Refuse odd names, missing files and files that the manifest does not list."""
    odd = sorted(name for name in hashes if not _PLAIN_NAME.fullmatch(name) or name == NAME)
    missing = sorted(REQUIRED - set(hashes))
    extra = sorted({path.name for path in folder.iterdir()} - set(hashes) - {NAME})
    told = [
        f"{what}: {', '.join(name[:64] for name in names)}"
        for what, names in (("names not allowed", odd), ("missing", missing), ("not in the manifest", extra))
        if names
    ]
    if told:
        raise VersionError(f"The files of {folder} are not those of a Version; {'; '.join(told)}.", hint=_HINT)


def _read_plain(folder: Path, name: str, most: int) -> bytes:
    """Return the bytes of a regular file; a link, a device or too many bytes are refused."""
    try:
        handle = os.open(folder / name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise VersionError(f"{folder / name} cannot be opened: {error.strerror}.", hint=_HINT) from error
    with open(handle, "rb") as file:  # noqa: PTH123 - a descriptor that is open already, so that no link can slip in
        status = os.fstat(handle)
        if not stat.S_ISREG(status.st_mode) or status.st_size > most:
            raise VersionError(f"{folder / name} is no regular file, or the Version is over {MOST_BYTES:,} bytes.")
        data = file.read(most + 1)
    if len(data) > most:
        raise VersionError(f"{folder / name} grew while it was read.", hint=_HINT)
    return data


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
