"""Print what the exam of stage 1 is worth: seeds generated, the reference passed, ten wrong scripts caught, seconds.

    python benchmarks/exam.py [--seeds 1000] [--caged 20]

The seeds are worked through in this process, for speed: the same scripts, reported by the sandbox's own Gallery and
judged by the same judge; only the drawing of pixels is left out. A sample of them goes through the real sandbox as
well, and must end alike. Without bubblewrap that part runs unsandboxed, and the table says so.
"""

import argparse
import os
import platform
import runpy
import statistics
import sys
import tempfile
import warnings
from collections.abc import Mapping, Sequence
from contextlib import chdir, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from time import perf_counter
from typing import Any

os.environ["MPLBACKEND"] = "Agg"

import matplotlib.pyplot as plt
from matplotlib.backend_bases import FigureCanvasBase
from matplotlib.figure import Figure

from trimtab.nouns import State
from trimtab.path.exam.grade import LIBRARIES, Run, grade, judge_runs
from trimtab.path.exam.harness import FIGURES, Gallery, read_note
from trimtab.path.exam.judge import FILES, PNG
from trimtab.path.exam.planted import CAUGHT_BY, write_reference, write_wrong
from trimtab.path.exam.sandbox import LIMITS, Job, Outcome, find_cage, run_jobs
from trimtab.path.exam.tasks import Questions, ask, say_tasks
from trimtab.path.exam.world import World, make_world

SECOND = 1_000_000
REFERENCE = "reference"
NAMES = (REFERENCE, *CAUGHT_BY)
Misses = frozenset[str]


@dataclass(frozen=True, slots=True)
class Seed:
    """The two lists of a seed and their questions."""

    worlds: tuple[World, World]
    questions: Questions


def make_seed(number: int) -> Seed:
    """Return a seed's two lists, and what is asked."""
    first = make_world(number)
    return Seed((first, make_world(number + SECOND, unlike=first)), ask(first))


def time_generation(count: int) -> float:
    """Return the seconds in which so many lists with their papers are made."""
    begun = perf_counter()
    for number in range(count):
        say_tasks(ask(make_world(number)))
    return perf_counter() - begun


def save_unseen(_: Figure, fname: str) -> None:
    """Save no picture, but the first bytes of one."""
    Path(fname).write_bytes(PNG)


def draw_nothing(_: object) -> None:
    """Draw no pixel."""


def run_here(text: str, world: World) -> Outcome:
    """Return what a script leaves on a list, run in this process."""
    with tempfile.TemporaryDirectory() as name, chdir(name):
        for file, content in world.files.items():
            Path(file).write_bytes(content)
        script = Path("submission.py")
        script.write_text(text, encoding="utf-8")
        figure: Any = Figure
        canvas: Any = FigureCanvasBase
        figure.savefig, canvas.draw_idle = save_unseen, draw_nothing
        Gallery(Path(name)).listen()
        with suppress(Exception):  # a wrong script may stop; what it saved is judged
            runpy.run_path(str(script))
        plt.close("all")
        left = {file: Path(file).read_bytes() for file in FILES.values() if Path(file).is_file()}
        return Outcome("", left, figures=read_note(Path(FIGURES), LIMITS.file) or ())


def find_misses(seed: Seed, outcomes: Sequence[Outcome]) -> Misses:
    """Return the names of the tasks that are missed."""
    runs = [Run(world, outcome) for world, outcome in zip(seed.worlds, outcomes, strict=False)]
    results = judge_runs(say_tasks(seed.questions), runs, seed.questions)
    return frozenset(result.task for result in results if result.state is not State.PASS)


def examine_here(seed: Seed) -> dict[str, Misses]:
    """Return what each script misses; the second list is tried where nothing was missed on the first."""
    found: dict[str, Misses] = {}
    right: Outcome | None = None
    for name in NAMES:
        text = write_wrong(name, seed.questions, right) if right else write_reference(seed.questions)
        outcome = run_here(text, seed.worlds[0])
        right = right or outcome
        found[name] = find_misses(seed, [outcome])
        if CAUGHT_BY.get(name, "") not in found[name]:
            found[name] = find_misses(seed, [outcome, run_here(text, seed.worlds[1])])
    return found


def examine_caged(seed: Seed) -> dict[str, Misses]:
    """Return what each script misses when all are run in the sandbox, on both lists."""
    right = _run_caged([write_reference(seed.questions)], seed)
    texts = [write_wrong(name, seed.questions, right[0]) for name in CAUGHT_BY]
    outcomes = [*right, *_run_caged(texts, seed)]
    return {name: find_misses(seed, outcomes[2 * place : 2 * place + 2]) for place, name in enumerate(NAMES)}


def _run_caged(texts: Sequence[str], seed: Seed) -> list[Outcome]:
    jobs = [Job(text, world.files, tuple(FILES.values())) for text in texts for world in seed.worlds]
    return list(run_jobs(jobs, preload=tuple(LIBRARIES)[:2], together=True)[0])


def is_right(name: str, misses: Misses) -> bool:
    """Whether a script ended as it must: the reference without a miss, a wrong one with the miss it is known for."""
    return not misses if name == REFERENCE else CAUGHT_BY[name] in misses


def count_right(found: Sequence[Mapping[str, Misses]]) -> dict[str, int]:
    """Return for each script on how many seeds it ended as it must."""
    return {name: sum(is_right(name, one[name]) for one in found) for name in NAMES}


def time_grading(text: str, repeats: int) -> list[float]:
    """Return the seconds that grading a submission takes, each time from its file to its result."""
    with tempfile.TemporaryDirectory() as name:
        script = Path(name) / "exam.py"
        script.write_text(text, encoding="utf-8")
        return [grade(script, 1, SECOND + 1).seconds for _ in range(repeats)]


def work_through(count: int) -> tuple[list[dict[str, Misses]], float]:
    """Return what was found on so many seeds, and the seconds it took."""
    begun, found = perf_counter(), []
    for number in range(count):
        found.append(examine_here(make_seed(number)))
        if number % 50 == 49:
            print(f"{number + 1} seeds, {perf_counter() - begun:.0f} s", file=sys.stderr)
    return found, perf_counter() - begun


def main(arguments: Sequence[str]) -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, default=1000)
    parser.add_argument("--caged", type=int, default=20, help="how many of them go through the sandbox as well")
    chosen = parser.parse_args(arguments)
    warnings.simplefilter("ignore")
    generated = time_generation(chosen.seeds)
    found, seconds = work_through(chosen.seeds)
    here = count_right(found)
    caged = count_right(sample := [examine_caged(make_seed(number)) for number in range(chosen.caged)])
    alike = sum(
        is_right(name, one[name]) == is_right(name, other[name])
        for one, other in zip(found, sample, strict=False)
        for name in NAMES
    )
    graded = time_grading(write_reference(make_seed(1).questions), 5)
    endless = time_grading("while True: pass", 1)[0]
    machine = f"{platform.platform(terse=True)}, {os.cpu_count()} cores, Python {platform.python_version()}"
    moment = f"{datetime.now(UTC):%Y-%m-%d}, load {os.getloadavg()[0]:.1f} at the end"
    where = "in the sandbox" if find_cage() else "UNSANDBOXED"
    print(f"trimtab {version('trimtab')}; {machine}; {moment}\n")
    print("| what | measured | wanted |\n|---|---|---|")
    print(f"| {chosen.seeds:,} seeds generated | {generated:.1f} s | <= 60 s |")
    print(f"| the right script graded {where}, median of 5 | {statistics.median(graded):.1f} s | <= 20 s |")
    print(f"| the same, maximum of 5 | {max(graded):.1f} s | <= 20 s |")
    print(f"| a script that never ends, graded | {endless:.1f} s | <= 20 s |")
    print(f"| seeds that end alike here and {where} | {alike} of {chosen.caged * len(NAMES)} | all |\n")
    print(f"| script | seeds that end as they must | of these {where} |\n|---|---|---|")
    for name in NAMES:
        wanted = "passes" if name == REFERENCE else f"misses {CAUGHT_BY[name]}"
        print(f"| {name}: {wanted} | {here[name]:,} of {chosen.seeds:,} | {caged[name]} of {chosen.caged} |")
    print(f"\nThe {chosen.seeds:,} seeds took {seconds:.0f} s.")
    sys.exit(any(count != chosen.seeds for count in here.values()) or any(n != chosen.caged for n in caged.values()))


if __name__ == "__main__":
    main(sys.argv[1:])
