"""LightGBM's C library by ctypes: a model text becomes answers without the Python package, 2 s and 140 MB of imports.

A native booster and its single-row handle share buffers, so every thread has its own pair; nothing native is shared.
The constants and signatures are those of LightGBM's C API reference (version 4).
"""

import ctypes
import importlib.util
import threading
import weakref
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from struct import Struct

import numpy as np

from trimtab.errors import HostError, VersionError

ANSWER, RAW_SCORE, CONTRIBUTIONS = 0, 1, 3
_FLOAT64, _ROW_MAJOR, _FIRST, _ALL = 1, 1, 0, -1
# One thread: a row is too little work to share, and batches run in workers that already share the machine.
_PARAMETERS = b"num_threads=1 verbosity=-1"
_START = b"tree\nversion=v4\n"

_LogCallback = ctypes.CFUNCTYPE(None, ctypes.c_char_p)


def _stay_silent(_message: bytes) -> None:
    """Keep native warnings off standard output; errors come back through return codes."""


_SILENCE = _LogCallback(_stay_silent)


class Booster:
    """A LightGBM model text that answers rows of `width` numbers with `outputs` numbers each, of a `kind`.

    Raises VersionError where the text is no model of that shape, HostError where the library cannot be loaded.
    """

    def __init__(self, text: bytes, *, width: int, outputs: int, kind: int = ANSWER) -> None:
        if not text.startswith(_START) or b"\0" in text:
            raise VersionError("model.txt is not a LightGBM model text of version 4.")
        self._text = text
        self._width = width
        self._outputs = outputs
        self._kind = kind
        self._threads = threading.local()
        self._native()

    def predict(self, matrix: np.ndarray, kind: int | None = None) -> np.ndarray:
        """Return numbers of a kind (None: its own) for each row of a float64 matrix: (rows, numbers of that kind)."""
        rows = np.ascontiguousarray(matrix, dtype=np.float64)
        if rows.ndim != 2 or rows.shape[1] != self._width:
            raise ValueError(f"the model reads rows of {self._width} numbers, got a matrix of shape {rows.shape}")
        slots = self._outputs * (self._width + 1 if kind == CONTRIBUTIONS else 1)
        return self._native().predict(rows, self._kind if kind is None else kind, slots)

    def predict_row(self, row: Sequence[float]) -> tuple[float, ...]:
        """Return the answers of one row, bit-equal to `predict`."""
        return self._native().predict_row(row)

    def close(self) -> None:
        """Free this thread's native memory; other threads free theirs when they end or the booster is forgotten."""
        native: _Native | None = self._threads.__dict__.pop("native", None)
        if native is not None:
            native.close()

    def _native(self) -> "_Native":
        native: _Native | None = getattr(self._threads, "native", None)
        if native is None:
            native = self._threads.native = _Native(self._text, self._width, self._outputs, self._kind)
        return native


class _Native:
    """One thread's booster with its single-row handle and buffers."""

    def __init__(self, text: bytes, width: int, outputs: int, kind: int) -> None:
        self._library = open_library()
        self._booster = ctypes.c_void_p()
        trees = ctypes.c_int()
        _call("LGBM_BoosterLoadModelFromString", text, ctypes.byref(trees), ctypes.byref(self._booster))
        self.close = weakref.finalize(self, _free, self._library, self._booster, fast := ctypes.c_void_p())
        self._check_shape(width, outputs)
        _call(
            "LGBM_BoosterPredictForMatSingleRowFastInit",
            *(self._booster, kind, _FIRST, _ALL, _FLOAT64, width, _PARAMETERS, ctypes.byref(fast)),
        )
        self._width = width
        self._pack = Struct(f"{width}d").pack_into
        self._row = (ctypes.c_double * width)()
        self._out = (ctypes.c_double * outputs)()
        self._count = ctypes.c_int64()
        self._answer_row = _open_holding().LGBM_BoosterPredictForMatSingleRowFast
        self._arguments = (fast, self._row, ctypes.byref(self._count), self._out)

    def predict(self, rows: np.ndarray, kind: int, slots: int) -> np.ndarray:
        out = np.empty((len(rows), slots), dtype=np.float64)
        if not len(rows):
            return out
        count = ctypes.c_int64()
        _call(
            "LGBM_BoosterPredictForMat",
            *(self._booster, rows.ctypes.data_as(ctypes.c_void_p), _FLOAT64, len(rows), self._width, _ROW_MAJOR),
            *(kind, _FIRST, _ALL, _PARAMETERS, ctypes.byref(count), out.ctypes.data_as(ctypes.c_void_p)),
        )
        return out

    def predict_row(self, row: Sequence[float]) -> tuple[float, ...]:
        self._pack(self._row, 0, *row)
        if self._answer_row(*self._arguments):
            raise VersionError(f"LightGBM cannot answer: {_last_error()}")
        return tuple(self._out)

    def _check_shape(self, width: int, outputs: int) -> None:
        """Refuse a model that would read or write beyond the buffers."""
        features, classes = ctypes.c_int(), ctypes.c_int()
        _call("LGBM_BoosterGetNumFeature", self._booster, ctypes.byref(features))
        _call("LGBM_BoosterGetNumClasses", self._booster, ctypes.byref(classes))
        if (features.value, classes.value) != (width, outputs):
            raise VersionError(
                f"model.txt reads {features.value} numbers and gives {classes.value}; "
                f"the encoder and the contract say {width} and {outputs}."
            )


@cache
def open_library() -> ctypes.CDLL:
    """Return LightGBM's native library."""
    try:
        library = ctypes.CDLL(_find_library())
    except OSError as error:
        hint = "apt-get install libgomp1 (macOS: brew install libomp)"
        raise HostError(f"LightGBM's library cannot be loaded: {error}", hint=hint) from error
    library.LGBM_GetLastError.restype = ctypes.c_char_p
    library.LGBM_RegisterLogCallback(_SILENCE)
    return library


@cache
def _open_holding() -> ctypes.PyDLL:
    """Return the same library, called without letting go of the interpreter.

    One row takes microseconds. Letting go of the interpreter for them hands it to the thread that writes the spool, and
    a busy server then waits several times as long to get it back as the row took.
    """
    return ctypes.PyDLL(_find_library())


def _find_library() -> str:
    """Return the path of the library beside the installed package, which is not imported."""
    spec = importlib.util.find_spec("lightgbm")
    if spec is None or spec.origin is None:
        raise HostError("LightGBM is not installed.", hint="pip install lightgbm")
    folder = Path(spec.origin).parent / "lib"
    paths = [path for path in (folder / "lib_lightgbm.so", folder / "lib_lightgbm.dylib") if path.exists()]
    if not paths:
        raise HostError(f"LightGBM's library is not in {folder}.", hint="pip install --force-reinstall lightgbm")
    return str(paths[0])


def _call(name: str, *arguments: object) -> None:
    """Call a function of the C API; its failure is a VersionError with LightGBM's own words."""
    if getattr(open_library(), name)(*arguments):
        raise VersionError(f"LightGBM refuses model.txt: {_last_error()}")


def _last_error() -> str:
    text: bytes = open_library().LGBM_GetLastError()
    return text.decode(errors="replace")[:200]


def _free(library: ctypes.CDLL, booster: ctypes.c_void_p, fast: ctypes.c_void_p) -> None:
    if fast.value:
        library.LGBM_FastConfigFree(fast)
    library.LGBM_BoosterFree(booster)
