"""Practice in the shell: five small questions to two text files, each answered by a pipeline that prints the answer."""

import random
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import polars as pl

from trimtab.path.exam import harness
from trimtab.path.exam.exercise import LIMITS, Drill, Row, Value, grade_drills, passengers_of, write_drills
from trimtab.path.exam.paper import Graded, Paper, Task
from trimtab.path.exam.sandbox import Job, Outcome, run_jobs
from trimtab.path.exam.world import PORTS, World, make_world

WORDS = """`passengers.tsv` has one passenger per line, its columns divided by tabs: passenger, survived, class, sex,
age, fare, port; its first line names them, and unknown is empty. `boats.txt` has one passenger's number per line, as
the lifeboats called them out. Write one pipeline into each of `task1.sh` to `task5.sh`; it is run with `sh` in a copy
of this folder, and what it prints is the answer: values divided by blanks or tabs, in the order that the task asks
for."""


def write(folder: Path, seed: int) -> Paper:
    """Write the two files and the five tasks of a seed into a folder; answers that are there are left alone."""
    world = make_world(seed)
    return write_drills(
        folder,
        seed,
        title="Practice: the shell",
        words=WORDS,
        files=_texts(world),
        drills=drills_of(world),
        starter="{}.sh",
    )


def grade(folder: Path, seed: int) -> Graded:
    """Return how the five answers are; the files of the seed are made afresh, and the answers run in the sandbox."""
    world = make_world(seed)

    def run(texts: Sequence[str]) -> tuple[tuple[Outcome, ...], bool]:
        return run_jobs([Job(f"{text}\n", _texts(world), (), kind="shell") for text in texts], limits=LIMITS)

    return grade_drills(folder, drills_of(world), suffix=".sh", run=run, read=_read_lines)


def drills_of(world: World) -> tuple[Drill, ...]:
    """Return the five tasks of a list with their right lines."""
    chance = random.Random(f"shell {world.seed}")  # noqa: S311 - a seed asks the same again
    rows = passengers_of(world)
    port, sex, level = chance.choice(PORTS), chance.choice(("female", "male")), chance.randint(1, 3)
    ports = (
        rows.drop_nulls("port").group_by("port").len("passengers").sort("passengers", "port", descending=[True, False])
    )
    fares = rows.filter(pl.col("class") == level).drop_nulls("fare")["fare"].sort(descending=True).head(5)
    ages = rows.filter(pl.col("sex") == sex)["age"].mean()
    called = sorted(number for number, times in Counter(call_boats(world)).items() if times > 1)
    return (
        _drill(
            1,
            "filtering",
            f"How many passengers boarded in {port}? Print the number.",
            [(rows.filter(pl.col("port") == port).height,)],
            "grep -c counts the lines that match.",
        ),
        _drill(
            2,
            "grouping",
            "Print each port and how many boarded there, the fullest first: the count, then the port. Not the first "
            "line of the file, and not the passengers whose port is unknown.",
            [(count, name) for name, count in ports.rows()],
            "tail can begin at the second line, cut takes one column; uniq -c counts equal lines that stand together.",
        ),
        _drill(
            3,
            "ranking",
            f"Print the five highest fares of class {level}, one per line, highest first (a fare that was paid twice "
            "counts twice).",
            [(fare,) for fare in fares],
            "awk can print one column where another has a value (-F says what divides them); sort -n takes numbers.",
        ),
        _drill(
            4,
            "grouping",
            f"Print the mean of the known ages of {sex} passengers, with two decimals.",
            [(round(float(ages), 2) if isinstance(ages, int | float) else None,)],
            'awk can add up and count, and print at its END; a condition such as $5 != "" leaves out what is unknown.',
        ),
        _drill(
            5,
            "filtering",
            "Some numbers were called out more than once. Print each such number in `boats.txt` once, smallest first.",
            [(number,) for number in called],
            "sort brings equal lines together, uniq -d keeps what stands there more than once, sort -n takes numbers.",
        ),
    )


def call_boats(world: World) -> list[int]:
    """Return the numbers of the saved as the boats called them out, some of them twice."""
    chance = random.Random(f"boats {world.seed}")  # noqa: S311 - a seed calls the same again
    saved = passengers_of(world).filter(pl.col("survived") == 1)["passenger"].to_list()
    called = [*saved, *chance.sample(saved, chance.randint(8, 20))]
    chance.shuffle(called)
    return called


def _drill(number: int, skill: str, text: str, right: list[Row], hint: str) -> Drill:
    return Drill(Task(f"task{number}", skill, f"Task {number}", text), right, ordered=True, hint=hint)


def _texts(world: World) -> dict[str, bytes]:
    table = passengers_of(world).write_csv(separator="\t").encode()
    return {"passengers.tsv": table, "boats.txt": "".join(f"{one}\n" for one in call_boats(world)).encode()}


def _read_lines(outcome: Outcome) -> list[Row]:
    """Return what a pipeline printed, line by line; ValueError with the reason where it was stopped."""
    if outcome.ended:
        raise ValueError(f"It was stopped: it took more than {LIMITS.seconds:g} s, or too many processes.")
    if harness.PRINTED in outcome.unreadable:
        raise ValueError("It printed more than 2 MB.")
    lines = outcome.printed.decode(errors="replace").splitlines()[:5_000]
    return [tuple(_value(word) for word in line.split()) for line in lines if line.strip()]


def _value(word: str) -> Value:
    try:
        return float(word)
    except ValueError:
        return word
