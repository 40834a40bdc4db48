"""Files in an object store, or behind any other address that fsspec knows: listed, and fetched one by one.

Credentials are those that the store's own library finds in the environment; an address holds none.
"""

import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from trimtab.errors import ConfigError, DataError, HostError
from trimtab.ingest.drop import Drop, is_wanted
from trimtab.ingest.paths import refuse_large
from trimtab.nouns import SourceSpec, fingerprint

_PIECE = 1 << 20
_LOCAL = ("file", "local")
_WEB = ("http", "https", "ftp")


def local_path(url: str) -> Path | None:
    """Return the path of a `file://` address, or None where it names another place."""
    protocol, _, rest = url.partition("://")
    return Path(rest) if protocol in _LOCAL else None


@dataclass(frozen=True, slots=True)
class RemoteItem:
    """An object of a store. Its `stamp` is what the store lists of it: size, time and tag."""

    filesystem: Any
    address: str
    name: str
    size: int
    stamp: str

    @contextmanager
    def open(self, max_bytes: int) -> Iterator[tuple[BinaryIO, Path]]:
        """Fetch the object into a temporary file, never more than `max_bytes` of it, and open that."""
        refuse_large(self.size, max_bytes, self.name)
        with tempfile.TemporaryDirectory(prefix="trimtab-") as folder:
            path = Path(folder) / "object"
            self._fetch(path, max_bytes)
            with path.open("rb") as file:
                yield file, path

    def _fetch(self, path: Path, max_bytes: int) -> None:
        with _explained(self.name), self.filesystem.open(self.address, "rb") as source, path.open("wb") as target:
            while piece := source.read(_PIECE):
                target.write(piece)
                refuse_large(target.tell(), max_bytes, self.name)
                if shutil.disk_usage(path.parent).free < 4 * _PIECE:
                    raise HostError("the temporary folder is full.", hint="make room, or set TMPDIR to a larger disk")

    def is_there(self) -> bool:
        """Whether the store still has it."""
        with _explained(self.name):
            return bool(self.filesystem.exists(self.address))

    def outer_mark(self) -> str:
        """Return a mark of address and stamp."""
        return fingerprint([self.address, self.stamp], 64)


def list_remote(spec: SourceSpec) -> Drop:
    """Return the objects at a source's address: that one, or those right below it in the order of their names.

    Raises ConfigError for an address that cannot be used, HostError where the store does not answer.
    """
    where = f"[sources.{spec.name}] path"
    filesystem, root = _connect(spec.url, where)
    with _explained(describe(spec.url)):
        filesystem.invalidate_cache()
        try:
            here = filesystem.info(root)
            is_folder = here["type"] == "directory"
            found = filesystem.ls(root, detail=True) if is_folder else [here]
        except FileNotFoundError:
            hint = f"correct {where} in trimtab.toml, or put a file there"
            raise ConfigError(f"{where}: there is nothing at {describe(spec.url)}.", hint=hint) from None
        items = [_item(filesystem, entry) for entry in found if entry["type"] == "file"]
    wanted = [item for item in items if not is_folder or is_wanted(item.name, spec.pattern)]
    return Drop(sorted(wanted, key=lambda item: item.name), is_folder)


def describe(url: str) -> str:
    """Return an address as it may be shown: without user, password and query."""
    return re.sub(r"//[^/@]*@", "//", url).partition("?")[0]


def _item(filesystem: Any, entry: dict[str, Any]) -> RemoteItem:
    address = str(entry["name"])
    shown = {key: str(value) for key, value in sorted(entry.items())}
    return RemoteItem(
        filesystem, address, address.rstrip("/").rpartition("/")[2], int(entry.get("size") or 0), fingerprint(shown, 64)
    )


def _connect(url: str, where: str) -> tuple[Any, str]:
    import fsspec

    protocol = url.partition("://")[0]
    hint = f'write it as path = "s3://bucket/prefix" under {where.removesuffix(" path")} in trimtab.toml'
    if "::" in url or describe(url) != url:
        what = "holds credentials or options" if "::" not in url else "is several addresses in one"
        raise ConfigError(f"{where}: {describe(url)} {what}; they belong into the environment.", hint=hint)
    if protocol in _WEB:
        raise ConfigError(
            f"{where}: {protocol} is no file store.", hint='use kind = "api", or fetch the files yourself'
        )
    try:
        filesystem, root = fsspec.core.url_to_fs(url)
    except ImportError as error:
        raise ConfigError(f"{where}: {protocol}:// needs another library.", hint=str(error)) from None
    except ValueError as error:
        raise ConfigError(f"{where}: {describe(url)} cannot be used: {error}", hint=hint) from None
    return filesystem, root


@contextmanager
def _explained(what: str) -> Iterator[None]:
    """Turn what a store's library raises into HostError: each has exceptions of its own."""
    try:
        yield
    except (ConfigError, DataError, HostError):
        raise
    except Exception as error:
        said = f"{type(error).__name__}: {error}".splitlines()[0][:200]
        hint = "check the network and the credentials in the environment; the next read goes on from here"
        raise HostError(f"{what} cannot be read from its store ({said}).", hint=hint) from error
