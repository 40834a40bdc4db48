"""Packed files as the text inside them: gzip and zstd, unpacked piece by piece while they are read, within limits."""

import io
import zlib
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import BinaryIO

import zstandard

from trimtab.errors import DataError

_PIECE = 1 << 18
_SMALL = 1 << 10
"""Bytes of zstd fed at once: a block of a few bytes may hold 128 kB, so this is at most some 30 MB unpacked."""

_WINDOW = 1 << 27
_SLACK = 1 << 20
"""Unpacked bytes that are free before `max_expansion` counts: a short file of equal lines packs very well."""

NO_LIMITS: Mapping[str, int] = MappingProxyType({"max_bytes": 1 << 50, "max_expansion": 1 << 50})
"""For the head of a file, which is short, and for a file that its owner names."""


def unpack(file: BinaryIO, size: int, where: str, *, max_bytes: int, max_expansion: int) -> BinaryIO:
    """Return a file's content as it is, or, of a gzip or zstd file of `size` bytes, a stream of what is packed in it.

    The stream can be read and sought, backwards at the price of a new beginning. It raises DataError where the content
    grows beyond `max_bytes` or `max_expansion` times its size, or where the file is damaged or ends early.
    """
    file.seek(0)
    head = file.read(4)
    file.seek(0)
    pieces = next((pieces for magic, pieces in _KINDS.items() if head.startswith(magic)), None)
    if pieces is None:
        return file
    limits = (max_bytes, max_expansion * size + _SLACK)
    return io.BufferedReader(_Unpacked(file, pieces, where, limits), _PIECE)


class _Unpacked(io.RawIOBase):
    """What is packed in a file, as a stream of bytes that remembers where it is."""

    def __init__(
        self, packed: BinaryIO, pieces: Callable[[BinaryIO], Iterator[bytes]], where: str, limits: tuple[int, int]
    ) -> None:
        super().__init__()
        self._packed = packed
        self._unpack = pieces
        self._where = where
        self._limits = limits
        self._begin()

    def _begin(self) -> None:
        self._packed.seek(0)
        self._pieces = self._unpack(self._packed)
        self._rest = memoryview(b"")
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]  # the buffered reader hands over this
        if not self._rest:
            self._rest = memoryview(self._next_piece())
        taken = self._rest[: len(buffer)]
        buffer[: len(taken)] = taken
        self._rest = self._rest[len(taken) :]
        self._at += len(taken)
        self._refuse_bomb()
        return len(taken)

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        if whence == io.SEEK_CUR:
            offset += self._at
        elif whence != io.SEEK_SET:
            raise io.UnsupportedOperation("the end of a packed file is found by reading it")
        if offset < self._at:
            self._begin()
        buffer = memoryview(bytearray(_PIECE))
        while self._at < offset and self.readinto(buffer[: offset - self._at]):
            pass
        return self._at

    def _next_piece(self) -> bytes:
        try:
            return next(self._pieces, b"")
        except EOFError:
            hint = "it may still be written, or was cut off on its way: put the whole file there"
            raise DataError(f"{self._where} is a packed file that ends in the middle.", hint=hint) from None
        except (zlib.error, zstandard.ZstdError) as error:
            what = f"{self._where} is packed and damaged, or needs more memory than is given: {str(error)[:80]}"
            raise DataError(what, hint="pack it again") from None

    def _refuse_bomb(self) -> None:
        most, expanded = self._limits
        if self._at > most:
            what = f"{self._where} holds more than {most:,} bytes unpacked, which is max_bytes."
            raise DataError(what, hint="split it, or raise max_bytes of this source in trimtab.toml")
        if self._at > expanded:
            what = f"{self._where} grows beyond max_expansion: more than {expanded:,} bytes unpacked."
            raise DataError(what, hint="unpack it yourself, or raise max_expansion of this source in trimtab.toml")


def _unpack_gzip(packed: BinaryIO) -> Iterator[bytes]:
    data = packed.read(_PIECE)
    while data:
        member = zlib.decompressobj(wbits=31)  # checks length and sum of each member
        while not member.eof:
            fresh = data or packed.read(_PIECE)
            piece = member.decompress(fresh, _PIECE)
            if not fresh and not piece and not member.eof:
                raise EOFError
            data = member.unconsumed_tail
            if piece:
                yield piece
        data = _skip_zeros(member.unused_data, packed)


def _skip_zeros(data: bytes, packed: BinaryIO) -> bytes:
    """Return what follows zeros behind a member; tapes and some writers fill up with them."""
    data = data.lstrip(b"\0")
    while not data and (more := packed.read(_PIECE)):
        data = more.lstrip(b"\0")
    return data


def _unpack_zstd(packed: BinaryIO) -> Iterator[bytes]:
    data = packed.read(_SMALL)
    while data:
        frame = zstandard.ZstdDecompressor(max_window_size=_WINDOW).decompressobj()
        while not frame.eof:
            fresh = data or packed.read(_SMALL)
            if not fresh:
                raise EOFError
            data = b""
            if piece := frame.decompress(fresh):
                yield piece
        data = frame.unused_data or packed.read(_SMALL)


_KINDS = {b"\x1f\x8b": _unpack_gzip, b"\x28\xb5\x2f\xfd": _unpack_zstd}
