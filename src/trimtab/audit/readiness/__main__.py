"""What the loop starts when drills are due: `python -m trimtab.audit.readiness DIR` examines a project and records it.

Exit code 1 where a test failed, 2 and 3 as everywhere; the last line on standard error says what came of it.
"""

import sys
from pathlib import Path

from trimtab import config
from trimtab.audit.readiness.examine import examine
from trimtab.audit.readiness.found import LOOP
from trimtab.audit.readiness.record import keep_examination
from trimtab.errors import TrimtabError
from trimtab.nouns import State


def main(folder: Path) -> int:
    """Examine, record, and say so in a line."""
    try:
        examination = examine(folder, by=LOOP, tell=_tell)
        keep_examination(config.load(folder), examination)
    except TrimtabError as error:
        _tell(error.message)
        return error.exit_code
    states = [found.state for found in examination.found.values()]
    told = ", ".join(f"{states.count(state)} {state.value.replace('_', ' ')}" for state in State)
    _tell(f"drills: {told}, in {examination.seconds:.0f} s")
    return int(State.FAIL in states)


def _tell(line: str) -> None:
    print(line, file=sys.stderr, flush=True)  # noqa: T201 - its log is the loop's


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
