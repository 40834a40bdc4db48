"""The four stages of the path: what each one is, what its test asks, and how many hours people should expect.

Hours: the whole path is meant for 15 to 20 hours a week over 12 to 24 months. Twenty hours in each of the 52 weeks of
one year are 1,040; fifteen in each of the 104 weeks of two years are 1,560. The stages share out these two sums. The
shares are a judgement, not a measurement, and each says why; logged hours and attempts correct them (`plan.py`).
"""

from dataclasses import dataclass

from trimtab.errors import UsageError


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage: its name, what its test asks in words, the tools it is about, where to begin, and its hours."""

    number: int
    name: str
    test: str
    tools: tuple[str, ...]
    first: str
    hours: tuple[int, int]
    reason: str
    built: bool = False


STAGES = (
    Stage(
        1,
        "Python and data fluency",
        "From a CSV file to a Titanic survival analysis in under 30 minutes, without looking syntax up: load, filter, "
        "group, join, report what is missing, plot a distribution.",
        ("Python", "pandas", "NumPy", "matplotlib or seaborn"),
        "course.fast.ai",
        (150, 250),
        "the smallest share: one language and one library, practised until they need no thought",
        built=True,
    ),
    Stage(
        2,
        "First model",
        "A model trained, evaluated and documented on a real dataset that you chose, for a question that you framed.",
        ("scikit-learn", "Jupyter", "statistics", "SQL and the shell, towards stage 3"),
        "the user guide of scikit-learn, on a dataset of your own",
        (220, 340),
        "choosing and framing the question takes as long as the model; statistics are learnt on the way",
    ),
    Stage(
        3,
        "Engineering",
        "An endpoint that validates what it is sent, runs the model, answers and logs; with tests, at a live address.",
        ("FastAPI", "Docker", "experiment tracking", "a cloud target"),
        "the tutorial of FastAPI, around your model of stage 2",
        (350, 510),
        "the largest share: tests, containers, logs and a live system are new to most, and take time when they break",
    ),
    Stage(
        4,
        "Evidence",
        "Two independent projects from end to end, each of which holds up in five minutes under questions.",
        ("GitHub", "documentation that explains the reasoning"),
        "a README of one page for what you built in stage 3",
        (320, 460),
        "two whole projects, shorter than the first because the tools are known, and the writing that explains them",
    ),
)


def find_stage(number: int) -> Stage:
    """Return the stage of that number; UsageError where there is none."""
    for stage in STAGES:
        if stage.number == number:
            return stage
    raise UsageError(f"There is no stage {number}: the path has stages 1 to 4.", hint="trimtab path shows all four")
