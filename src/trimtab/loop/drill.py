"""The drills of readiness, when they are due: a process of its own that works on a copy of the project."""

import subprocess
import sys
from collections.abc import Callable

from trimtab import clock
from trimtab.loop.state import Wheel

Tell = Callable[[str], None]
STATE = "drills"
MODULE = "trimtab.audit.readiness"
"""Started by its name: this room lies below that one, and does not know it."""
PATIENCE = 3600.0


def drill_when_due(wheel: Wheel, *, tell: Tell) -> str:
    """Return what came of the drills, in a line; empty where none were due.

    `[loop] drills` says how often. The moment is noted before they begin: what dies is not begun again at every turn.
    """
    every = wheel.project.loop.drills
    last = wheel.catalog.get_state(STATE)
    if every is None or (last is not None and clock.now() - clock.parse(last["at"]) < every):
        return ""
    wheel.catalog.put_state(STATE, {"at": clock.now().isoformat()})
    tell("drills are due: they run on a copy")
    command = [sys.executable, "-m", MODULE, str(wheel.project.folder)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"drills: not done ({error})"
    return (done.stderr.strip().splitlines() or [f"drills: ended with code {done.returncode}"])[-1]
