"""Real handwritten digits, as rows: how much ink stands in each line and column of a scanned 8 x 8 image.

The file is the test part of the UCI set "Optical Recognition of Handwritten Digits" (E. Alpaydin and C. Kaynak;
CC BY 4.0): 1,797 images by 13 writers, as scikit-learn carries it. It is read by path, because importing scikit-learn
takes a second.
"""

import csv
import gzip
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from trimtab.errors import HostError

SIDE = 8
SHA256 = "09f66e6debdee2cd2b5ae59e0d6abbb73fc2b0e0185d2e1957e9ebb51e23aa22"
FEATURES = tuple(f"ink_{kind}_{number}" for kind in ("line", "column") for number in range(1, SIDE + 1))
TARGET = "parity"

Image = Sequence[Sequence[int]]


@dataclass(frozen=True, slots=True)
class Scan:
    """One scanned digit: its image, 8 lines of 8 intensities from 0 to 16, and whether the digit is odd or even."""

    image: Image
    parity: str


def read_scans() -> list[Scan]:
    """Return the 1,797 digits in the order of the file: writers follow one another, so the order is worth keeping."""
    path = find_file()
    data = path.read_bytes()
    if hashlib.sha256(data).hexdigest() != SHA256:
        raise HostError(
            f"{path} is not the file of digits that this demonstration knows.",
            hint="install the pinned dependencies again: make setup",
        )
    lines = gzip.decompress(data).decode("ascii").splitlines()
    return [_read_scan([int(float(cell)) for cell in line]) for line in csv.reader(lines)]


def find_file() -> Path:
    """Return where scikit-learn keeps the digits."""
    package = find_spec("sklearn")
    folders = list(package.submodule_search_locations or ()) if package else []
    if not folders:
        raise HostError("scikit-learn is not installed, and it carries the digits.", hint="make setup")
    return Path(folders[0]) / "datasets" / "data" / "digits.csv.gz"


def slip(scan: Scan) -> Scan:
    """Return the same digit as a scanner reads it whose tray slipped: one line lower, the lowest line lost.

    This is the fault that the demonstration plants.
    """
    return Scan(((0,) * SIDE, *scan.image[:-1]), scan.parity)


def measure_ink(scan: Scan) -> dict[str, int]:
    """Return the row that the model is asked about: ink of each line, then of each column, 0 to 128."""
    lines = [sum(line) for line in scan.image]
    columns = [sum(line[position] for line in scan.image) for position in range(SIDE)]
    return dict(zip(FEATURES, lines + columns, strict=True))


def write_scans(scans: Sequence[Scan], path: Path) -> None:
    """Write labelled rows as CSV, the way a user would bring them."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([*FEATURES, TARGET])
        writer.writerows([*measure_ink(scan).values(), scan.parity] for scan in scans)


def _read_scan(cells: Sequence[int]) -> Scan:
    image = tuple(tuple(cells[start : start + SIDE]) for start in range(0, SIDE * SIDE, SIDE))
    return Scan(image, "odd" if cells[-1] % 2 else "even")
