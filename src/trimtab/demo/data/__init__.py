"""A year of real flights from New York, carried in the package: three Parquet files, their hashes, and what made them.

README.md says where they come from and what is wrong with them on purpose.
"""

import hashlib
from functools import cache
from pathlib import Path
from typing import Literal

import polars as pl

from trimtab.errors import HostError

FOLDER = Path(__file__).parent
HASHES = "SHA256SUMS"

Table = Literal["flights", "weather", "planes"]


def read_table(name: Table) -> pl.DataFrame:
    """Return one of the tables, its bytes checked against SHA256SUMS. Raises HostError where they differ."""
    path = FOLDER / f"{name}.parquet"
    try:
        content = path.read_bytes()
    except OSError as error:
        raise HostError(f"{path} cannot be read: {error}.", hint="install trimtab again") from error
    if hashlib.sha256(content).hexdigest() != read_hashes()[path.name]:
        raise HostError(f"{path} is not the file that this release carries.", hint="install trimtab again")
    return pl.read_parquet(content)


@cache
def read_hashes() -> dict[str, str]:
    """Return the SHA-256 of each data file, by its name."""
    lines = (FOLDER / HASHES).read_text(encoding="ascii").splitlines()
    return {name: digest for digest, name in (line.split() for line in lines)}
