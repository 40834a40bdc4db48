"""All checks, one after the other, on a copy of the project."""

from collections.abc import Callable, Collection
from pathlib import Path

from trimtab import clock
from trimtab.audit.readiness.check import Check
from trimtab.audit.readiness.checks import CHECKS
from trimtab.audit.readiness.found import Examination, Found, Ran
from trimtab.audit.readiness.ground import Ground, open_ground
from trimtab.errors import TrimtabError
from trimtab.nouns import State

Tell = Callable[[str], None]


def examine(folder: Path, *, by: str, tell: Tell, only: Collection[str] = ()) -> Examination:
    """Return what the checks found, or those of the tests `only`. The project is read and copied, never changed.

    A check that breaks cannot tell; it never passes. Raises ConfigError, StoreError or HostError where the project
    cannot be opened or copied.
    """
    started, at = clock.monotonic_ns(), clock.now()
    wanted = [check for check in CHECKS if not only or check.test in only]
    found: dict[str, Found] = {}
    with open_ground(folder, tell=lambda _: None) as ground:
        for place, check in enumerate(wanted, start=1):
            tell(f"[{place}/{len(wanted)}] {check.test}: {check.does}")
            found[check.test] = run_check(check, ground)
    return Examination(Ran(at, by), found, round((clock.monotonic_ns() - started) / 1e9, 1))


def run_check(check: Check, ground: Ground) -> Found:
    """Return what a check found, or that it cannot tell, and why. Before the first promotion none can."""
    if ground.wheel.champion() is None:
        return Found(State.CANNOT_TELL, "nothing was promoted yet", "run `trimtab train`")
    try:
        return check.run(ground)
    except TrimtabError as error:
        return Found(State.CANNOT_TELL, f"cannot tell: {error.message}", error.hint)
    except Exception as error:  # noqa: BLE001 - whatever breaks in a check, the others are worth as much
        said = f"cannot tell: the check itself broke ({type(error).__name__}: {str(error)[:200]})"
        return Found(State.CANNOT_TELL, said, "this is a mistake of trimtab's: please report it")
