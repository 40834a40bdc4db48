"""Version files: one folder per Version, named by the hash of its manifest."""

import hashlib
import re
import shutil
from pathlib import Path
from uuid import uuid4

from trimtab.errors import StoreError
from trimtab.store.files import make_folder, sync, sync_all
from trimtab.store.locks import hold

MANIFEST = "manifest.json"
PATIENCE = 30.0
"""Seconds to wait for another process that keeps a Version: it only renames a folder."""
_ID = re.compile(r"[0-9a-f]{12,64}")


class Blobs:
    """Complete Version folders under `root`. A folder appears at once and whole, or not at all."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def stage(self) -> Path:
        """Return a new empty folder to build a Version in, on the same disk as the Versions that are kept."""
        folder = self.root / f".staged-{uuid4().hex}"
        make_folder(self.root)
        folder.mkdir()
        return folder

    def keep(self, staged: Path, id: str) -> Path:  # noqa: A002 (the nouns call it id, too)
        """Return the durable home of a staged Version; where it is already kept, the staged copy is removed.

        A home whose files are not, byte for byte, those that are staged was altered: the staged one takes its place.

        Raises:
            StoreError: the manifest is missing, or its SHA-256 does not begin with `id`.
            Busy: another process keeps a Version and does not come to an end.
        """
        home = self._home(id)
        _check_manifest(staged, id)
        files = _digest_files(staged)
        with hold(self.root.with_name(f"{self.root.name}.lock"), "the folder of Versions", patience=PATIENCE):
            if _digest_files(home) != files:
                _sync_tree(staged)
                self._put_aside(home)
                staged.rename(home)
        shutil.rmtree(staged, ignore_errors=True)
        sync(self.root)
        return home

    def path(self, id: str) -> Path:  # noqa: A002 (as above)
        """Return the folder of a Version.

        Raises:
            StoreError: there is no such Version here.
        """
        home = self._home(id)
        if not (home / MANIFEST).is_file():
            raise StoreError(
                f"the files of Version {id} are not in {self.root}.",
                hint="restore that folder from a backup, or run `trimtab train` to make a new Version",
            )
        return home

    def ids(self) -> tuple[str, ...]:
        """Return the ids of all Versions that are kept, sorted."""
        if not self.root.is_dir():
            return ()
        return tuple(
            sorted(
                home.name for home in self.root.iterdir() if (home / MANIFEST).is_file() and _ID.fullmatch(home.name)
            )
        )

    def _put_aside(self, home: Path) -> None:
        """Free the name of a Version for a whole one; who opens it at this moment is told that it is not there."""
        aside = self.root / f".altered-{uuid4().hex}"
        try:
            home.rename(aside)
        except FileNotFoundError:
            return
        if aside.is_dir() and not aside.is_symlink():
            shutil.rmtree(aside, ignore_errors=True)
        else:
            aside.unlink()

    def _home(self, id: str) -> Path:  # noqa: A002 (as above)
        if not _ID.fullmatch(id):
            raise StoreError(f"'{id[:64]}' is not the id of a Version.", hint="ids are 12 or more of the digits 0-9a-f")
        return self.root / id


def _check_manifest(staged: Path, id: str) -> None:  # noqa: A002 (as above)
    manifest = staged / MANIFEST
    found = hashlib.sha256(manifest.read_bytes()).hexdigest() if manifest.is_file() else "no manifest"
    if not found.startswith(id):
        raise StoreError(
            f"{staged} cannot be kept as Version {id}: its manifest hashes to {found[:12]}.",
            hint="write manifest.json last, and take the id from its bytes",
        )


def _digest_files(folder: Path) -> dict[str, str]:
    """Return the SHA-256 of each file below a folder by its path there; what is no plain file has none."""
    return {str(path.relative_to(folder)): _digest(path) for path in folder.rglob("*") if not path.is_dir()}


def _digest(path: Path) -> str:
    if path.is_symlink() or not path.is_file():
        return ""
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:  # a file that cannot be read is as good as altered
        return ""


def _sync_tree(folder: Path) -> None:
    sync_all(path for path in folder.rglob("*") if path.is_file())
    for inner in (path for path in folder.rglob("*") if path.is_dir()):
        sync(inner)
    sync(folder)
