"""gzip and zstd are read as the text inside them, never past a limit, and never half."""

import gzip
import io
import os
import tracemalloc
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from trimtab.errors import DataError
from trimtab.ingest import Chunk, FileSource, declare, read_head
from trimtab.ingest.packed import unpack
from trimtab.nouns import SourceSpec

TEXT = b"a,b\n1,x\n2,y\n"
Pack = Callable[[bytes], bytes]


def zstd(data: bytes) -> bytes:
    return zstandard.ZstdCompressor().compress(data)


both = pytest.mark.parametrize("pack", [gzip.compress, zstd])


def told(path: Path, since: Mapping[str, Any] | None = None, **more: Any) -> list[Chunk]:
    return list(FileSource(replace(SourceSpec("rows", "files", path), **more)).read(since))


def opened(packed: bytes, **limits: int) -> Any:
    return unpack(io.BytesIO(packed), len(packed), "f", **{"max_bytes": 1 << 30, "max_expansion": 1 << 20, **limits})


@both
@pytest.mark.parametrize("form", ["csv", "jsonl"])
def test_packed_text_gives_the_rows_of_the_plain_file(tmp_path: Path, pack: Pack, form: str) -> None:
    text = TEXT if form == "csv" else b'{"a":"1","b":"x"}\n{"a":"2","b":"y"}\n'
    (tmp_path / "rows").write_bytes(text)
    (tmp_path / "packed").write_bytes(pack(text))
    plain, packed = (told(tmp_path / name, format=form)[0] for name in ("rows", "packed"))
    assert packed.frame.equals(plain.frame)
    assert declare(tmp_path / "packed").format == form
    assert read_head(tmp_path / "packed", 1).rows() == [("1", "x")]


@both
def test_packing_does_not_make_a_content_new(tmp_path: Path, pack: Pack) -> None:
    """A file that was read plain is not read again packed; appended members give their new rows only."""
    (tmp_path / "rows.csv").write_bytes(TEXT)
    (first,) = told(tmp_path)
    (tmp_path / "rows.csv.gz").write_bytes(pack(TEXT))
    assert told(tmp_path, first.position) == []
    (tmp_path / "rows.csv").unlink()
    (tmp_path / "rows.csv.gz").write_bytes(pack(TEXT) + pack(b"3,z\n"))
    (grown,) = told(tmp_path, first.position)
    assert grown.frame["a"].to_list() == ["3"]


@given(st.lists(st.binary(max_size=300), max_size=4), st.lists(st.integers(0, 900), max_size=6), st.booleans())
@settings(deadline=None, max_examples=100)
def test_stream_can_be_sought_like_a_file(parts: list[bytes], places: list[int], zipped: bool) -> None:
    pack: Pack = gzip.compress if zipped else zstd
    stream, plain = opened(b"".join(map(pack, [b"x", *parts]))), io.BytesIO(b"".join([b"x", *parts]))
    for place in places:
        assert stream.seek(place) == min(place, len(plain.getvalue()))
        plain.seek(place)
        assert stream.read(7) == plain.read(7)


@both
@pytest.mark.parametrize(
    "damage", [lambda data: data[:-1], lambda data: data[: len(data) // 2], lambda data: data + b"no"]
)
def test_half_and_damaged_files_give_no_row(tmp_path: Path, pack: Pack, damage: Pack) -> None:
    """Also where their beginning could be read; once whole, the file is read."""
    body = TEXT + b"".join(b"%d,%s\n" % (n, os.urandom(8).hex().encode()) for n in range(100_000))
    path = tmp_path / "rows.csv.gz"
    path.write_bytes(damage(pack(body)))
    (chunk,) = told(tmp_path)
    assert chunk.frame.height == 0
    assert "packed" in chunk.rejected[0].reason
    path.write_bytes(pack(body))
    assert sum(one.frame.height for one in told(tmp_path, chunk.position)) == 100_002


@both
def test_bombs_are_refused_in_bounded_memory(pack: Pack) -> None:
    bomb = pack(b"\0" * (100 << 20))
    for limits, words in (({"max_expansion": 100}, "max_expansion"), ({"max_bytes": 30 << 20}, "max_bytes")):
        tracemalloc.start()
        stream = opened(bomb, **limits)
        with pytest.raises(DataError, match=words):
            all(iter(partial(stream.read, 1 << 20), b""))
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert peak < 80 << 20


def test_zstd_that_asks_for_much_memory_is_refused() -> None:
    settings = zstandard.ZstdCompressionParameters(window_log=30, enable_ldm=False)
    packer = zstandard.ZstdCompressor(compression_params=settings).compressobj()
    with pytest.raises(DataError, match="memory"):
        opened(packer.compress(b"a,b\n") + packer.flush()).read()


def test_small_files_may_pack_well() -> None:
    assert len(opened(gzip.compress(b"a" * 900_000), max_expansion=1).read()) == 900_000


def test_zeros_behind_a_member_are_no_content() -> None:
    packed = gzip.compress(b"one") + b"\0" * 600_000 + gzip.compress(b"two") + b"\0" * 10
    assert opened(packed).read() == b"onetwo"


@pytest.mark.parametrize(("magic", "words"), [(b"PK\x03\x04", "unzip"), (b"BZh9", "bzip2"), (b"\xfd7zXZ\0", "xz")])
def test_other_archives_are_refused_with_what_to_do(tmp_path: Path, magic: bytes, words: str) -> None:
    (tmp_path / "rows.csv").write_bytes(magic + b"rest")
    (tmp_path / "inside.csv").write_bytes(gzip.compress(magic + b"rest"))
    for chunk in told(tmp_path):
        assert words in chunk.rejected[0].reason or "not CSV" in chunk.rejected[0].reason
