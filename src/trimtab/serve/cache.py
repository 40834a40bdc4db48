"""The last Trim that answered, with its Versions' files: what a worker starts on where the store cannot be reached.

cache/live.json        the Trim and its Versions as the catalog knew them; format 1
versions/ID/     their files, checked against their hashes whenever they are opened, like those in the blobs
lock             one worker writes at a time
"""

import json
import os
import shutil
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec

from trimtab.errors import Busy, StoreError, VersionError
from trimtab.nouns import Trim, Version, canonical
from trimtab.store.files import make_folder, write_whole
from trimtab.store.locks import hold

FORMAT = 1


class Cache:
    """A folder that knows one Trim; it answers the questions that a `Shelf` asks of catalog and blobs."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def keep(self, trim: Trim, versions: Mapping[str, tuple[Version, Path]]) -> None:
        """Keep a Trim with its Versions and their files, instead of the one before; another worker may do it first.

        Raises OSError where the disk does not take it.
        """
        if self.trim() == trim:
            return
        make_folder(self.folder / "versions")
        with suppress(Busy), hold(self.folder / "lock", "the cache"):
            for id_, (_, files) in versions.items():
                self._copy(files, id_)
            known = {"format": FORMAT, "trim": trim, "versions": [version for version, _ in versions.values()]}
            write_whole(self.folder / "live.json", canonical(known))
            for path in (self.folder / "versions").iterdir():
                if path.name not in versions:
                    shutil.rmtree(path, ignore_errors=True)

    def epoch(self) -> int:
        """Return the epoch that is known, 0 for none."""
        trim = self.trim()
        return 0 if trim is None else trim.epoch

    def trim(self, epoch: int | None = None) -> Trim | None:
        """Return the Trim that is known, None where it is another epoch's or there is none."""
        known = self._read()
        trim = msgspec.convert(known["trim"], Trim) if known else None
        return trim if trim is None or epoch in {None, trim.epoch} else None

    def find_version(self, ref: str) -> Version:
        """Return a Version of that Trim by its id."""
        known = self._read()
        for version in known["versions"] if known else ():
            if version["id"] == ref:
                return msgspec.convert(version, Version)
        raise VersionError(f"The cache does not know the Version {ref}.")

    def path(self, id: str) -> Path:  # noqa: A002 (the blobs call it id, too)
        """Return the folder of a Version's files."""
        path = self.folder / "versions" / id
        if not path.is_dir():
            raise StoreError(f"The cache does not hold the Version {id}.")
        return path

    def _read(self) -> dict[str, Any] | None:
        with suppress(OSError, ValueError, KeyError, TypeError):
            known: dict[str, Any] = json.loads((self.folder / "live.json").read_text(encoding="utf-8"))
            return known if known["format"] == FORMAT else None
        return None

    def _copy(self, files: Path, id_: str) -> None:
        kept = self.folder / "versions" / id_
        if kept.exists():
            return
        draft = kept.with_name(f".{id_}.{os.getpid()}")
        shutil.rmtree(draft, ignore_errors=True)
        shutil.copytree(files, draft)
        draft.rename(kept)
