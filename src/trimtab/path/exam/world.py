"""A list of passengers as it comes in real life: one seed, one list, with its mess and what is true under it.

The true rows are sampled from the 1,309 passengers of the Titanic. The file that a candidate gets has its columns
renamed and reordered, some passengers twice, fares in two units, ages that mean "unknown", stray case and blanks, and a
separator and an encoding of its own. `clean` mends the listed rows; it can leave out one kind of care, which is how a
wrong answer is recognised.
"""

import json
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, TypeVar

import polars as pl

from trimtab.path.exam.data import read_passengers

LIST, DICTIONARY, FARES, ABOUT = "passengers.csv", "columns.csv", "fares.csv", "about.json"
PORTS = ("Southampton", "Cherbourg", "Queenstown")
SEPARATORS = (",", ";", "\t", "|")
ENCODINGS = ("utf-8", "latin-1", "utf-16")
SENTINELS = (999.0, -1.0, 888.0, -99.0, 150.0)
BLANKS = ("", "  ", "NA", "?")
OLDEST = 100
NAMES: Mapping[str, tuple[str, ...]] = {
    "passenger": ("person id", "ticket holder", "list number", "traveller", "entry"),
    "survived": ("alive", "rescued", "saved", "outcome", "made it"),
    "class": ("cabin level", "pclass", "deck class", "comfort", "tier"),
    "sex": ("gender", "man or woman", "m or f", "sex of person", "who"),
    "age": ("years", "years old", "age in years", "how old", "lived"),
    "siblings": ("sibsp", "brothers sisters", "sib", "same generation", "kin"),
    "parents": ("parch", "parents children", "par", "other generation", "family"),
    "fare": ("price", "paid", "ticket price", "cost", "amount"),
    "unit": ("currency", "money unit", "paid in", "price unit", "coin"),
    "port": ("embarked", "harbour", "boarded at", "from", "went aboard"),
}
"""What each column may be called; the first meaning is what `columns.csv` and the paper call it."""

Row = dict[str, Any]
T = TypeVar("T")


class Slip(StrEnum):
    """A kind of care that was left out."""

    BORDER = "border"
    MEDIAN = "median"
    NULLS = "nulls"
    DUPLICATES = "duplicates"
    UNITS = "units"
    AGE = "age"


@dataclass(frozen=True, slots=True)
class Manner:
    """How a list was put down: the names of its columns, separator, encoding, and the age that means unknown."""

    names: Mapping[str, str]
    separator: str
    encoding: str
    sentinel: float


@dataclass(frozen=True, slots=True)
class World:
    """One list: what a candidate's script finds beside it (`files`), and the listed rows in their plain types."""

    seed: int
    listed: pl.DataFrame
    fares: pl.DataFrame
    manner: Manner
    files: Mapping[str, bytes] = field(repr=False)


def make_world(seed: int, *, unlike: World | None = None) -> World:
    """Return the list of a seed; it shares neither names nor separator, encoding and unknown age with `unlike`."""
    chance = random.Random(f"passengers {seed}")  # noqa: S311 - a seed makes the same list again
    manner = _choose_manner(chance, unlike.manner if unlike else None)
    rows = _list_rows(chance, manner.sentinel)
    style, joint = chance.choice((str.lower, str.upper, str.title)), chance.choice((" ", "_"))
    order = chance.sample(list(NAMES), len(NAMES))
    shown = {key: style(manner.names[key]).replace(" ", joint) for key in order}
    prices = [chance.randrange(low, high) / 2 for low, high in ((100, 180), (30, 60), (12, 28))]
    fares = pl.DataFrame({"class": [1, 2, 3], "name": ["first", "second", "third"], "list_price": prices})
    about = {"file": LIST, "separator": manner.separator, "encoding": manner.encoding}
    files = {
        LIST: _render(chance, rows, shown, manner.separator).encode(manner.encoding),
        DICTIONARY: _dictionary(shown),
        FARES: fares.write_csv().encode(),
        ABOUT: json.dumps(about, indent=1).encode(),
    }
    return World(seed, pl.DataFrame(rows, schema=_SCHEMA, orient="row"), fares, manner, files)


def clean(listed: pl.DataFrame, slip: Slip | None = None) -> pl.DataFrame:
    """Return each passenger once, the fare in pounds, unknown ages as null; one kind of care may be left out."""
    known = pl.col("age").is_between(0, OLDEST)
    age = pl.col("age") if slip is Slip.AGE else pl.when(known).then("age")
    pounds = pl.when(pl.col("unit") == "p").then(pl.col("fare") / 100).otherwise("fare")
    rows = listed.with_columns(age=age, fare=pl.col("fare") if slip is Slip.UNITS else pounds.round(2))
    if slip is not Slip.DUPLICATES:
        rows = rows.unique("passenger", keep="first", maintain_order=True)
    if slip is Slip.NULLS:
        rows = rows.drop_nulls()
    return rows.drop("unit")


_SCHEMA = {
    "passenger": pl.Int64,
    "survived": pl.Int64,
    "class": pl.Int64,
    "sex": pl.String,
    "age": pl.Float64,
    "siblings": pl.Int64,
    "parents": pl.Int64,
    "fare": pl.Float64,
    "unit": pl.String,
    "port": pl.String,
}


def _choose_manner(chance: random.Random, used: Manner | None) -> Manner:
    """Return a manner that shares nothing with the one that was used."""
    return Manner(
        names={key: chance.choice(_others(known, used.names[key] if used else None)) for key, known in NAMES.items()},
        separator=chance.choice(_others(SEPARATORS, used.separator if used else None)),
        encoding=chance.choice(_others(ENCODINGS, used.encoding if used else None)),
        sentinel=chance.choice(_others(SENTINELS, used.sentinel if used else None)),
    )


def _others(known: Sequence[T], used: T | None) -> list[T]:
    return [one for one in known if one != used]


def _list_rows(chance: random.Random, sentinel: float) -> list[Row]:
    """Return the sampled passengers under new numbers, some fares and ports forgotten, some passengers listed twice."""
    passengers = read_passengers().to_dicts()
    sample = chance.sample(passengers, chance.randint(850, 1250))
    numbers = chance.sample(range(1000, 10_000), len(sample))
    true = [{**row, "passenger": number} for row, number in zip(sample, numbers, strict=True)]
    for row in true:
        row["fare"] = None if row["fare"] is None or chance.random() < 0.02 else round(row["fare"], 2)
        row["port"] = None if chance.random() < 0.02 else row["port"]
    again = chance.sample(true, chance.randint(25, 60))
    rows = [_put_down(chance, row, sentinel) for row in (*true, *again)]
    chance.shuffle(rows)
    return rows


def _put_down(chance: random.Random, row: Row, sentinel: float) -> Row:
    """Return a true row as one clerk writes it: the fare in pounds or pence, an unknown age blank or as a number."""
    unit = "p" if chance.random() < 0.25 else "£"
    fare = row["fare"] if unit == "£" or row["fare"] is None else round(row["fare"] * 100)
    age = sentinel if row["age"] is None and chance.random() < 0.5 else row["age"]
    return {**row, "age": age, "fare": fare, "unit": unit}


def _render(chance: random.Random, rows: Sequence[Row], shown: Mapping[str, str], separator: str) -> str:
    lines = [separator.join(shown.values())]
    lines += [separator.join(_write_cell(chance, row[key]) for key in shown) for row in rows]
    return "\n".join(lines) + "\n"


def _write_cell(chance: random.Random, value: object) -> str:
    """Return a value as the file shows it: words with stray case and blanks, nothing in one of four spellings."""
    if value is None:
        return chance.choice(BLANKS)
    if not isinstance(value, str):
        return f"{value:g}" if isinstance(value, float) and value == int(value) else str(value)
    if chance.random() < 0.7:
        return value
    word = chance.choice((value.upper(), value.lower(), value.title()))
    return " " * chance.randrange(3) + word + " " * chance.randrange(3)


def _dictionary(shown: Mapping[str, str]) -> bytes:
    lines = ["column,meaning", *(f"{name},{meaning}" for meaning, name in shown.items())]
    return ("\n".join(lines) + "\n").encode()
