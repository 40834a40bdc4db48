"""A stored Version tried out before it may answer: alike alone and among many, quick, and no larger than it may be."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from trimtab import clock
from trimtab.train.artefact import Package
from trimtab.train.golden import make_rows

ROWS = 200


@dataclass(frozen=True, slots=True)
class Tryout:
    """How far a row's answer alone is from that among many, at most; the seconds of a row; the bytes of all files."""

    parity: float
    latency: float
    size: int


def try_out(package: Package, frame: Any, folder: Path) -> Tryout:
    """Return how an opened Version does on made-up rows; every fourth has nulls, every fourth unseen categories.

    `frame` are clean rows whose values the made-up ones are spread over, `folder` is where the Version stands.
    """
    rows = make_rows(frame, package.contract, rows=ROWS)
    encode, answer = package.encoder.compile_row(), package.compile_row()
    many = package.predictor.predict(np.array([encode(row) for row in rows], dtype=np.float64))
    alone, seconds = _ask_alone(answer, rows)
    parity = float(np.abs(np.array(alone) - many).max(initial=0.0))
    size = sum(file.stat().st_size for file in folder.iterdir() if file.is_file())
    return Tryout(parity, median(seconds), size)


def _ask_alone(answer: Any, rows: Sequence[Sequence[Any]]) -> tuple[list[Any], list[float]]:
    found, seconds = [], []
    for row in rows:
        begun = clock.monotonic_ns()
        found.append(answer(row))
        seconds.append((clock.monotonic_ns() - begun) / 1e9)
    return found, seconds
