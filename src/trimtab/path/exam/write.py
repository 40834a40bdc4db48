"""The exam of stage 1 as a folder: the list, its dictionary, the paper, and a script to begin with."""

from pathlib import Path

from trimtab.path.exam.paper import Paper, Task, write_files
from trimtab.path.exam.tasks import ask, say_rules, say_tasks, say_tolerances
from trimtab.path.exam.world import make_world

MINUTES = 30
PAPER, STARTER = "paper.md", "exam.py"
BEGINNING = '''"""My answers. Run it in this folder: python exam.py. Save each answer as soon as you have it."""

import json

import matplotlib.pyplot as plt
import pandas as pd

with open("about.json") as file:
    about = json.load(file)
print(about)

# table = pd.read_csv("passengers.csv", sep=..., encoding=...)
'''


def write_exam(folder: Path, seed: int, *, practice: bool) -> Paper:
    """Write the exam of a seed into a folder and return it. An `exam.py` that is there already is left alone."""
    world = make_world(seed)
    tasks = say_tasks(ask(world))
    text = write_paper(tasks, practice=practice)
    files = {**world.files, PAPER: text.encode(), STARTER: (BEGINNING + _sections(tasks)).encode()}
    write_files(folder, files, keep=frozenset({STARTER}))
    return Paper(seed, folder, tasks, MINUTES)


def write_paper(tasks: tuple[Task, ...], *, practice: bool) -> str:
    """Return the paper as Markdown."""
    clock = "There is no clock: this is practice." if practice else f"You have {MINUTES} minutes."
    numbered = "\n".join(f"## {place}. {task.title}\n\n{task.text}\n" for place, task in enumerate(tasks, 1))
    rules = "\n".join(f"- {rule}" for rule in say_rules())
    return f"""# Stage 1: the passengers of the Titanic

{clock} Write one script, `exam.py` (or a notebook), that reads the files in this folder and saves
eight answers beside them. It is run in a fresh folder with these files, and once more with a second list that has other
passengers, other column names, another separator and another encoding. So let the script read, and write nothing into
it that you read off the list yourself.

## The list, and its rules

`passengers.csv` was copied together by several people.

{rules}

{say_tolerances()} What was saved before an error still counts, so save each answer as soon as you have it.

{numbered}"""


def _sections(tasks: tuple[Task, ...]) -> str:
    return "".join(f"\n# {place}. {task.title}\n" for place, task in enumerate(tasks, 1))
