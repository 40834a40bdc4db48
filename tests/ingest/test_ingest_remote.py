"""Files behind an address come like those of a folder, and are fetched once."""

import gzip
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import fsspec
import polars as pl
import pytest
from fsspec.implementations.memory import MemoryFileSystem

from trimtab.errors import ConfigError, DataError, HostError
from trimtab.ingest import Chunk, FileSource
from trimtab.nouns import SourceSpec

TEXT = b"a,b\n1,x\n2,y\n"


class CountingStore(MemoryFileSystem):  # type: ignore[misc]
    """A store in memory that counts what is fetched, and may fail in the middle."""

    protocol = "counting"
    store: dict[str, Any] = {}  # noqa: RUF012 (as its parent)
    pseudo_dirs = [""]  # noqa: RUF012
    fetched: list[str] = []  # noqa: RUF012
    broken = False

    @classmethod
    def _strip_protocol(cls, path: str) -> str:
        return str(super()._strip_protocol(path.replace("counting://", "memory://")))

    def _open(self, path: str, mode: str = "rb", *args: Any, **kwargs: Any) -> Any:
        if mode == "rb":
            self.fetched.append(path)
        if self.broken:
            raise ConnectionResetError("the store went away")
        return super()._open(path, mode, *args, **kwargs)


@pytest.fixture
def store() -> Iterator[CountingStore]:
    fsspec.register_implementation("counting", CountingStore, clobber=True)
    yield (filesystem := CountingStore())
    for kept in (CountingStore.store, CountingStore.fetched):
        kept.clear()
    CountingStore.broken = False
    filesystem.clear_instance_cache()


def told(url: str, since: Any = None, **more: Any) -> list[Chunk]:
    return list(FileSource(replace(SourceSpec("rows", "files", url=url), **more)).read(since))


def test_objects_come_in_the_order_of_their_names(store: CountingStore, tmp_path: Path) -> None:
    pl.DataFrame({"n": [1]}).write_parquet(tmp_path / "x")
    for name in ("2.csv", "1.csv.gz", ".hidden.csv", "3.csv.part", "deep/4.csv", "notes.txt"):
        data = TEXT.replace(b"x", name.encode())
        store.pipe(f"/drop/{name}", gzip.compress(data) if name.endswith("gz") else data)
    store.pipe("/other/rows.parquet", (tmp_path / "x").read_bytes())
    rows = [row[1:3] for chunk in told("counting://drop", pattern="*.csv*") for row in chunk.frame.rows()]
    assert rows == [("1.csv.gz", 0), ("y", 1), ("2.csv", 2), ("y", 3)]
    (chunk,) = told("counting://other/rows.parquet", format="parquet")
    assert chunk.frame["n"].to_list() == [1]


def test_object_that_is_as_it_was_is_not_fetched_again(store: CountingStore) -> None:
    store.pipe("/drop/a.csv", TEXT)
    (first,) = told("counting://drop")
    assert told("counting://drop", first.position) == []
    store.pipe("/drop/copy.csv", TEXT)
    (nothing,) = told("counting://drop", first.position)
    assert nothing.frame.height == 0
    assert told("counting://drop", nothing.position) == []
    assert store.fetched == ["/drop/a.csv", "/drop/copy.csv"]


def test_changed_and_grown_objects_are_read(store: CountingStore) -> None:
    store.pipe("/drop/a.csv", TEXT)
    (first,) = told("counting://drop")
    store.pipe("/drop/a.csv", TEXT + b"3,z\n")
    (grown,) = told("counting://drop", first.position)
    assert grown.frame["a"].to_list() == ["3"]
    store.pipe("/drop/a.csv", TEXT + b"4,z\n5")
    (changed,) = told("counting://drop", grown.position)
    assert changed.frame["a"].to_list() == ["1", "2", "4"]
    assert [one.line for one in changed.rejected] == ["5"]


def test_large_and_unreadable_objects_stop_no_other(store: CountingStore) -> None:
    store.pipe("/drop/1.csv", b"a,a\n1,2\n")
    store.pipe("/drop/2.csv", TEXT * 1000)
    store.pipe("/drop/3.csv", TEXT)
    chunks = told("counting://drop", max_bytes=100)
    assert [one.line for chunk in chunks for one in chunk.rejected] == ["1.csv", "2.csv"]
    assert store.fetched == ["/drop/1.csv", "/drop/3.csv"]
    assert told("counting://drop", chunks[-1].position, max_bytes=100) == []


def test_store_that_goes_away_leaves_the_position(store: CountingStore) -> None:
    store.pipe("/drop/a.csv", TEXT)
    store.pipe("/drop/b.csv", TEXT.replace(b"x", b"z"))
    chunks = FileSource(SourceSpec("rows", "files", url="counting://drop")).read(None)
    first = next(chunks)
    CountingStore.broken = True
    with pytest.raises(HostError, match="went away"):
        next(chunks)
    CountingStore.broken = False
    (second,) = told("counting://drop", first.position)
    assert second.frame["_row"].to_list() == [2, 3]


def test_object_that_is_larger_than_it_was_listed_is_refused(store: CountingStore) -> None:
    store.pipe("/drop/a.csv", TEXT * 1000)
    item = FileSource(SourceSpec("rows", "files", url="counting://drop"))._list().items[0]
    with pytest.raises(DataError, match="max_bytes"), replace(item, size=5).open(100):  # type: ignore[type-var]
        pass


def test_file_address_is_a_path(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_bytes(TEXT)
    (chunk,) = told(f"file://{tmp_path}")
    assert chunk.frame.height == 2
    assert chunk.position.get("stamps") is None


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("counting://nothing/there", "nothing at"),
        ("nosuch://drop", "cannot be used"),
        ("https://example.org/rows.csv", 'kind = "api"'),
        ("simplecache::counting://drop", "several addresses"),
        ("s3://key:hunter2@bucket/drop", "environment"),
        ("s3://bucket/drop?secret=hunter2", "environment"),
    ],
)
def test_addresses_that_cannot_be_used_are_refused(store: CountingStore, url: str, words: str) -> None:
    with pytest.raises(ConfigError) as error:
        told(url)
    assert words in str(error.value)
    assert "hunter2" not in str(error.value) + FileSource(SourceSpec("rows", "files", url=url)).describe()


def test_missing_library_is_named(store: CountingStore) -> None:
    with pytest.raises(ConfigError, match="another library"):
        told("gs://bucket/drop")
