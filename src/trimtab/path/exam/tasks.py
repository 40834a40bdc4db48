"""The eight tasks: what a seed asks, and the words it is asked in.

The questions of the exam's seed are put to two lists of passengers, so a border or a number may stand in the script,
but nothing that was read off the list.
"""

import random
from dataclasses import dataclass

import polars as pl

from trimtab.path.exam.paper import Task
from trimtab.path.exam.world import OLDEST, PORTS, World, clean

COLUMNS = ("passenger", "survived", "class", "sex", "age", "fare", "port")
REPORTED = COLUMNS[1:]
LAST_AGE = 90
MONEY, YEARS, PERCENT = 0.011, 0.011, 0.11
"""Tolerances: a hundredth of a pound or a year, a tenth of a percentage point, and a hair."""

MAX_NUMBERS = 8
"""How many numbers a conclusion may name: more would be a list, not a conclusion."""


@dataclass(frozen=True, slots=True)
class Questions:
    """What one seed asks.

    `filter_by` and `among` are a column and its value; `at_least` says on which side of `border` an age lies; the
    border itself belongs to it. `rate_of` is whose survival is asked, `median_of` whose fare (1: survivors, 0: the
    others).
    """

    filter_by: tuple[str, str | int]
    at_least: bool
    border: int
    keys: tuple[str, str]
    among: tuple[str, str | int]
    top: int
    drawn: tuple[str, str | int]
    width: int
    rate_of: tuple[str, str | int]
    median_of: int


def ask(world: World) -> Questions:
    """Return the questions of a list's seed. Somebody's age is exactly the border, so that the border can be missed."""
    chance = random.Random(f"questions {world.seed}")  # noqa: S311 - a seed asks the same again
    groups: list[tuple[str, str | int]] = [("sex", "female"), ("sex", "male"), ("class", 1), ("class", 2), ("class", 3)]
    filter_by = chance.choice(groups)
    ages = clean(world.listed).filter(pl.col(filter_by[0]) == filter_by[1], pl.col("age").is_between(20, 45))["age"]
    whole = sorted(set(ages.filter(ages == ages.round())))
    return Questions(
        filter_by=filter_by,
        at_least=chance.random() < 0.5,
        border=int(chance.choice(whole)),
        keys=chance.choice((("class", "sex"), ("class", "port"), ("sex", "port"))),
        among=chance.choice([*groups, ("port", PORTS[0]), ("port", PORTS[1])]),
        top=chance.randint(5, 12),
        drawn=chance.choice([*groups, ("survived", 1), ("survived", 0)]),
        width=chance.choice((5, 6, 9, 10, 15)),
        rate_of=chance.choice(groups),
        median_of=chance.randrange(2),
    )


def say_tasks(questions: Questions) -> tuple[Task, ...]:
    """Return the tasks in the paper's order."""
    q = questions
    side = f"{q.border} or older" if q.at_least else f"{q.border} or younger"
    first, second = q.keys
    return (
        Task(
            "load",
            "reading and cleaning",
            "Load the list",
            f"Clean the list as the rules above say and save it as `load.csv`: one row per passenger, with the columns "
            f"{_list(COLUMNS)}. Unknown stays empty.",
        ),
        Task(
            "filter",
            "filtering",
            "Filter by two conditions",
            f"Which {say_group(q.filter_by)} were {side}? Exactly {q.border} counts; an unknown age does not. Save "
            "their numbers as `filter.csv`, in a column `passenger`, in any order.",
        ),
        Task(
            "group",
            "grouping",
            "Group by two keys",
            f"For each `{first}` and `{second}`: the mean of the known ages, and how many passengers there are (of any "
            f"age, known or not). Save `group.csv` with the columns `{first}`, `{second}`, `mean_age`, `count`, in any "
            "order. Passengers of whom one of the two is unknown are left out.",
        ),
        Task(
            "top",
            "ranking",
            "The highest fares",
            f"The {q.top} highest fares among {say_group(q.among)}, highest first. Save `top.csv` with the columns "
            "`passenger` and `fare`. Where fares are equal, any of them will do.",
        ),
        Task(
            "join",
            "joining",
            "Join a second table",
            "`fares.csv` has three rows: a name and a list price in pounds for each class. By how much, on average, "
            "did passengers pay more than their class's list price (less counts as negative)? For each class, save in "
            "`join.csv` the columns `name`, `passengers` (how many of them have a known fare) and `mean_difference` "
            "(pounds), in any order.",
        ),
        Task(
            "missing",
            "missing values",
            "Report what is missing",
            f"For each of {_list(REPORTED)} in the cleaned list: how many values are unknown, and how many percent of "
            "the passengers that is. Save `missing.csv` with the columns `column`, `missing`, `percent`, in any order.",
        ),
        Task(
            "plot",
            "plotting",
            "Plot a distribution",
            f"A histogram of the known ages of {say_group(q.drawn)}: bars {q.width} years wide, from 0 to {LAST_AGE}, "
            "with a title, the word *age* below and the word *passengers* at the side. Draw it with matplotlib or "
            "seaborn and save it with `savefig` as `plot.png`. It is judged by what was drawn, not by the picture.",
        ),
        Task(
            "conclusion",
            "concluding",
            "Say what you found",
            f"Two or three sentences, saved as `conclusion.txt`. Two numbers must stand in them: how many percent of "
            f"{say_group(q.rate_of)} survived, and the median fare in pounds of those who "
            f"{'survived' if q.median_of else 'did not survive'}. Write at most {MAX_NUMBERS} numbers in all.",
        ),
    )


def say_tolerances() -> str:
    """Return how exact an answer must be, as the paper prints it."""
    return "Fares and ages are right to within 0.01, percentages to within 0.1; counts and words must be exact."


def say_group(group: tuple[str, str | int]) -> str:
    """Return a group of passengers in words."""
    column, value = group
    if column == "class":
        return f"passengers of class {value}"
    if column == "port":
        return f"passengers who boarded in {value}"
    if column == "survived":
        return "passengers who survived" if value else "passengers who did not survive"
    return f"{value} passengers"


def say_rules() -> tuple[str, ...]:
    """Return the rules of cleaning, a sentence or two each."""
    return (
        "`about.json` says which separator and which encoding `passengers.csv` has.",
        "`columns.csv` (commas, UTF-8) says what each column of the list means. The tasks use the meanings as names.",
        "A passenger's number is theirs alone. Some were listed twice, not always spelled alike: each counts once.",
        "Words have stray capitals and blanks. Clean: `female`, `male`, `Southampton`, `Cherbourg`, `Queenstown`.",
        "Unknown is written as nothing, as blanks, as `NA` or as `?`.",
        f"Nobody on board was older than {OLDEST}, and nobody younger than 0: such an age means unknown.",
        "`unit` says what a fare was counted in: `£` pounds, `p` pence (a hundred to the pound). Answer in pounds.",
    )


def _list(names: tuple[str, ...]) -> str:
    return ", ".join(f"`{name}`" for name in names)
