"""Makes passengers.parquet from the CSV files of the package nannyml.

    python -m trimtab.path.exam.data.build FOLDER   # the folder `nannyml/datasets/data` of an unpacked nannyml 0.13.1

The same FOLDER and the same release of Polars give the same bytes; SHA256SUMS holds their hash.
"""

import argparse
import hashlib
import sys
from collections.abc import Sequence
from pathlib import Path

import polars as pl

from trimtab.path.exam.data import FOLDER, HASHES, NAME

PORTS = {"S": "Southampton", "C": "Cherbourg", "Q": "Queenstown"}


def build_passengers(source: Path) -> pl.DataFrame:
    """Return every passenger once, by number; names, tickets, cabins, homes, boats and bodies are left out."""
    train = pl.read_csv(source / "titanic_reference.csv", infer_schema_length=None)
    rest = pl.read_csv(source / "titanic_analysis.csv", infer_schema_length=None)
    told = pl.read_csv(source / "titanic_target.csv")
    whole = pl.concat([train, rest.join(told, on="PassengerId")], how="diagonal_relaxed")
    return whole.select(
        passenger=pl.col("PassengerId").cast(pl.Int16),
        survived=pl.col("Survived").cast(pl.Int8),
        **{"class": pl.col("Pclass").cast(pl.Int8)},
        sex=pl.col("Sex"),
        age=pl.col("Age").cast(pl.Float64),
        siblings=pl.col("SibSp").cast(pl.Int8),
        parents=pl.col("Parch").cast(pl.Int8),
        fare=pl.col("Fare").cast(pl.Float64),
        port=pl.col("Embarked").replace_strict(PORTS, default=None),
    ).sort("passenger")


def write_passengers(source: Path, target: Path) -> str:
    """Write the file and SHA256SUMS to a folder; return the hash."""
    path = target / NAME
    build_passengers(source).write_parquet(path, compression="zstd", compression_level=19, statistics=False)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    (target / HASHES).write_text(f"{digest}  {NAME}\n", encoding="ascii")
    return digest


def main(arguments: Sequence[str]) -> None:
    """Write the table beside this script and show its hash."""
    parser = argparse.ArgumentParser(description="Make the exam's passengers from the files of nannyml 0.13.1.")
    parser.add_argument("source", type=Path, help="the folder nannyml/datasets/data of the unpacked package")
    parser.add_argument("--into", type=Path, default=FOLDER, help="another folder to write to")
    chosen = parser.parse_args(arguments)
    digest = write_passengers(chosen.source, chosen.into)
    sys.stdout.write(f"{digest}  {NAME}  {(chosen.into / NAME).stat().st_size:,} bytes\n")


if __name__ == "__main__":
    main(sys.argv[1:])
