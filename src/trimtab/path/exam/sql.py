"""Practice in SQL: five small questions to two tables, each answered by one query, judged by its result."""

import json
import random
from collections.abc import Sequence
from pathlib import Path

import polars as pl

from trimtab.path.exam import query
from trimtab.path.exam.exercise import LIMITS, Drill, Row, grade_drills, passengers_of, write_drills
from trimtab.path.exam.paper import Graded, Paper, Task
from trimtab.path.exam.sandbox import Job, Outcome, run_jobs
from trimtab.path.exam.world import World, make_world

WORDS = """Two tables, `passengers` (passenger, survived, class, sex, age, fare, port) and `fares` (class, name,
list_price), stand in this folder as `passengers.csv` and `fares.csv`. Write one SELECT into each of `task1.sql` to
`task5.sql`; it is run by DuckDB, on these two tables, with no way to anything else. Columns count by their order, not
by their names; the order of the rows counts only where a task says so. Averages and percentages are right to within
0.01."""


def write(folder: Path, seed: int) -> Paper:
    """Write the tables and the five tasks of a seed into a folder; answers that are there are left alone."""
    world = make_world(seed)
    return write_drills(
        folder,
        seed,
        title="Practice: SQL",
        words=WORDS,
        files=_tables(world),
        drills=drills_of(world),
        starter="{}.sql",
    )


def grade(folder: Path, seed: int) -> Graded:
    """Return how the five answers are; the tables of the seed are made afresh."""
    world = make_world(seed)
    program = Path(query.__file__).read_text(encoding="utf-8")

    def run(texts: Sequence[str]) -> tuple[tuple[Outcome, ...], bool]:
        files = _tables(world)
        jobs = [Job(program, {**files, "query.sql": text.encode()}, ["result.json"]) for text in texts]
        return run_jobs(jobs, limits=LIMITS, preload=["duckdb"])

    return grade_drills(folder, drills_of(world), suffix=".sql", run=run, read=_read_rows)


def drills_of(world: World) -> tuple[Drill, ...]:
    """Return the five tasks of a list with their right rows."""
    chance = random.Random(f"sql {world.seed}")  # noqa: S311 - a seed asks the same again
    rows, known = passengers_of(world), passengers_of(world).drop_nulls("fare")
    sex, border = chance.choice(("female", "male")), chance.randint(25, 45)
    unknown = rows.group_by("class").agg(unknown=pl.col("age").null_count()).sort("unknown")
    limit = int(unknown["unknown"][0])
    different = (
        known.select("class", "fare")
        .unique()
        .with_columns(place=pl.col("fare").rank("dense", descending=True).over("class"))
    )
    shares = rows.group_by("class", "sex").agg(pl.len(), share=100 * pl.col("survived").mean())
    joined = known.join(world.fares, on="class")
    over = joined.group_by("name").agg(((pl.col("fare") > pl.col("list_price")).sum()).alias("more"))
    return (
        _drill(
            1,
            "filtering",
            f"The number (column `passenger`) of each {sex} passenger aged {border} or older, smallest number first.",
            rows.filter(pl.col("sex") == sex, pl.col("age") >= border).select("passenger"),
            "WHERE takes two conditions with AND between; ORDER BY comes last.",
            ordered=True,
        ),
        _drill(
            2,
            "grouping",
            "For each class and sex: class, sex, how many passengers, and how many percent of them survived.",
            shares,
            "GROUP BY takes two columns; the mean of a column of 0 and 1 is a share.",
        ),
        _drill(
            3,
            "grouping",
            f"Class and number of unknown ages, of those classes that have more than {limit} unknown ages.",
            unknown.filter(pl.col("unknown") > limit),
            "count(age) leaves unknown ages out, count(*) does not; HAVING filters groups as WHERE filters rows.",
        ),
        _drill(
            4,
            "joining",
            "For each name in `fares`: the name, and how many passengers of that class paid more than its list price.",
            over,
            "JOIN puts the list price beside each passenger; compare first, and count by name then.",
        ),
        _drill(
            5,
            "ranking",
            "The three highest different fares of each class: class and fare.",
            different.filter(pl.col("place") <= 3).select("class", "fare"),
            "Find the different fares first; a window function can then rank them within each class.",
        ),
    )


def _drill(number: int, skill: str, text: str, right: pl.DataFrame, hint: str, *, ordered: bool = False) -> Drill:
    task = Task(f"task{number}", skill, f"Task {number}", text)
    return Drill(task, right.rows(), ordered, hint)


def _tables(world: World) -> dict[str, bytes]:
    return {"passengers.csv": passengers_of(world).write_csv().encode(), "fares.csv": world.fares.write_csv().encode()}


def _read_rows(outcome: Outcome) -> list[Row]:
    """Return the rows of a query; ValueError with the reason where it gave none."""
    if outcome.ended:
        raise ValueError(f"The query took more than {LIMITS.seconds:g} s, or too much memory, and was stopped.")
    if outcome.error:
        said = str(outcome.error.get("message")).partition("\n")[0][:200]
        raise ValueError(f"{'' if outcome.error.get('type') == 'ValueError' else 'DuckDB says: '}{said}.")
    try:
        rows = json.loads(outcome.files["result.json"])["rows"]
        return [tuple(value if isinstance(value, str | int | float) else None for value in row) for row in rows]
    except (KeyError, TypeError, ValueError):
        raise ValueError("The query gave no rows that can be read.") from None
