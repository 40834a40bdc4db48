"""Bytes of a text file into text, without losing count: where lines end, and which bytes have no meaning."""

import codecs
from dataclasses import dataclass

import numpy as np

from trimtab.errors import ConfigError
from trimtab.ingest.unclear import UnclearForm

UNREADABLE = "\udcff"
"""Stands in decoded text for bytes that the encoding does not know. No valid text holds a lone surrogate."""

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


def _mark_unreadable(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return UNREADABLE, error.end


codecs.register_error("trimtab-unreadable", _mark_unreadable)


@dataclass(frozen=True, slots=True)
class Codec:
    """How a file's bytes are read: Python's name of the encoding, bytes of its mark, bytes of one unit."""

    name: str
    mark: int = 0
    unit: int = 1

    def decode(self, data: bytes) -> str:
        """Return the text; every piece that cannot be read is one UNREADABLE."""
        return data.decode(self.name, "trimtab-unreadable")

    def line_ends(self, data: bytes) -> np.ndarray:
        r"""Return the positions just behind each `\n`, in bytes."""
        units = np.frombuffer(data, dtype=_unit_type(self), count=len(data) // self.unit)
        return (np.flatnonzero(units == ord("\n")) + 1) * self.unit


def open_codec(head: bytes, encoding: str, where: str) -> Codec:
    """Return how to read a file that begins with `head` and is said to be in `encoding`.

    The file's own mark (BOM) is honoured and must agree. Raises ConfigError for an encoding that cannot be cut at line
    ends (shift_jis, utf-7, EBCDIC, ...), DataError where the mark says something else.
    """
    marked, length = found_mark(head)
    name = _plain_name(encoding, where)
    if name == "utf-16":
        if not marked.startswith("utf-16"):
            raise UnclearForm(f"{where} has no mark that tells its byte order.", encoding="utf-16-le")
        name = marked
    if marked and marked != name:
        what = f"{where} begins with the mark of {marked}, but is declared as {name}."
        raise UnclearForm(what, encoding=marked)
    return Codec(name, length, 2 if name.startswith("utf-16") else 1)


def found_mark(head: bytes) -> tuple[str, int]:
    """Return the encoding that the first bytes announce and how many bytes do so; `("", 0)` where none do."""
    for mark, name in _MARKS:
        if head.startswith(mark):
            return name, len(mark)
    return "", 0


def _plain_name(encoding: str, where: str) -> str:
    try:
        name = codecs.lookup(encoding).name.removesuffix("-sig")
        known = name.startswith(("utf-8", "utf-16")) or _one_byte_each(name)
    except LookupError:
        known = False
    if not known:
        hint = "use utf-8, utf-16, cp1252, latin-1 or another encoding of one byte a character"
        raise ConfigError(f"{where}: encoding '{encoding}' cannot be read.", hint=hint)
    return name


def _one_byte_each(name: str) -> bool:
    every = bytes(range(256))
    return len(every.decode(name, "replace")) == 256 and every[:128].decode(name, "replace") == every[:128].decode()


def _unit_type(codec: Codec) -> np.dtype[np.unsignedinteger]:
    if codec.unit == 1:
        return np.dtype(np.uint8)
    return np.dtype(">u2" if codec.name.endswith("be") else "<u2")
