"""The passengers of the Titanic, carried in the package: one Parquet file, its hash, and what made it.

README.md says where they come from and what was left out.
"""

import hashlib
from functools import cache
from pathlib import Path

import polars as pl

from trimtab.errors import HostError

FOLDER = Path(__file__).parent
HASHES = "SHA256SUMS"
NAME = "passengers.parquet"


@cache
def read_passengers() -> pl.DataFrame:
    """Return the 1,309 passengers, the file's bytes checked against SHA256SUMS. Raises HostError where they differ."""
    path = FOLDER / NAME
    try:
        content = path.read_bytes()
        known = (FOLDER / HASHES).read_text(encoding="ascii").split()[0]
    except OSError as error:
        raise HostError(f"{path} cannot be read: {error}.", hint="install trimtab again") from error
    if hashlib.sha256(content).hexdigest() != known:
        raise HostError(f"{path} is not the file that this release carries.", hint="install trimtab again")
    return pl.read_parquet(content)
