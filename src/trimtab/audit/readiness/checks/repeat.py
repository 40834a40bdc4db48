"""infra.1: trained twice from the same rows, in two processes, the same Version comes out, byte for byte."""

import subprocess
import sys
from pathlib import Path

from trimtab.audit.readiness.check import Check
from trimtab.audit.readiness.found import Found
from trimtab.audit.readiness.ground import MOST_ROWS, Ground
from trimtab.errors import TrimtabError
from trimtab.loop.challenge import find_standing, on_newest
from trimtab.loop.known import load_labelled, resolve
from trimtab.loop.newcomer import fit_newcomer
from trimtab.loop.state import Wheel, open_wheel
from trimtab.metrics.figures import count
from trimtab.nouns import State

PATIENCE = 1200.0


def check_repeat(ground: Ground) -> Found:
    """Train in this process and in another one, and compare the names, which are hashes of all files."""
    with ground.fresh() as wheel:
        first, second = train_again(wheel), _ask_other(wheel.project.folder)
    return compare(ground, first, second)


def compare(ground: Ground, first: str, second: str) -> Found:
    """Return what the names of two Versions from the same rows say."""
    rows = min(MOST_ROWS, ground.labelled.rows.height)
    said = f"trained twice on {count(rows, 'labelled row')}, in two processes: {first} and {second}"
    numbers = {"rows": rows}
    evidence = (f"Version {ground.champion[1].name}'s recipe",)
    if first == second:
        return Found(State.PASS, said, "", evidence, numbers)
    return Found(State.FAIL, said, "pin the libraries, set [train] threads = 1, and look for chance", evidence, numbers)


def train_again(wheel: Wheel) -> str:
    """Return the id of the Version that the champion's recipe makes of the labelled rows known now."""
    known = load_labelled(wheel, resolve(wheel, None))
    recipe = find_standing(wheel)[1].recipe
    return fit_newcomer(on_newest(wheel, MOST_ROWS), known, recipe=recipe, tell=lambda _: None).version.id


def _ask_other(folder: Path) -> str:
    command = [sys.executable, "-m", "trimtab.audit.readiness.checks.repeat", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)
    if done.returncode:
        raise TrimtabError(f"the second training failed: {done.stderr.strip()[-300:]}")
    return done.stdout.strip()


CHECK = Check("infra.1", "two trainings in two processes", check_repeat)

if __name__ == "__main__":
    sys.stdout.write(train_again(open_wheel(Path(sys.argv[1]))))
