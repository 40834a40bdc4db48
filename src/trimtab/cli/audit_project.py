"""`trimtab audit --project DIR`: readiness of a project, from inside."""

from dataclasses import dataclass
from datetime import date
from pathlib import Path

from trimtab import clock, config
from trimtab.audit.readiness.attest import USUAL, Attestation, read_attestations, sign
from trimtab.audit.readiness.examine import examine
from trimtab.audit.readiness.record import keep_examination, read_examinations
from trimtab.audit.readiness.report import list_facts, tell
from trimtab.audit.readiness.score import score
from trimtab.cli.output import progress, show
from trimtab.cli.promote import find_user
from trimtab.errors import UsageError


@dataclass(frozen=True, slots=True)
class Wanted:
    """What was asked for beside the folder."""

    drills: bool = True
    record: bool = False
    at_least: float = 0.0
    sign: str = ""
    statement: str = ""
    until: str = ""


def audit_project(folder: Path, wanted: Wanted, *, as_json: bool) -> int:
    """Examine a project and show what its readiness comes to; 1 where a test failed or the score is too low."""
    project = config.load(folder)
    if wanted.sign:
        return attest(folder, project.name, wanted, as_json=as_json)
    if wanted.record and not wanted.drills:
        raise UsageError("--record keeps what drills found, and --no-drills runs none.", hint="leave one of them out")
    examinations = read_examinations(project)
    if wanted.drills:
        with progress(f"Examining a copy of {project.name}: 26 checks, some minutes ...") as say:
            examination = examine(folder, by=f"person:{find_user()}", tell=say)
            if wanted.record:
                keep_examination(project, examination)
        examinations = (*examinations, examination)
    found = score(project.name, examinations, read_attestations(project.folder), now=clock.now())
    show(tuple(tell(found)), list_facts(found), as_json=as_json)
    return int(bool(found.failed) or found.score < wanted.at_least)


def attest(folder: Path, project: str, wanted: Wanted, *, as_json: bool) -> int:
    """Put a statement about a test into attestations.toml, in the name of whoever is logged in."""
    today = clock.now().date()
    until = read_day(wanted.until) if wanted.until else today + USUAL
    signed = sign(folder, project, Attestation(wanted.sign, find_user(), today, until, wanted.statement))
    told = f"{signed.who} attests {signed.test} until {signed.until}; it stands in attestations.toml."
    show((told,), {"attestation": signed}, as_json=as_json)
    return 0


def read_day(text: str) -> date:
    """Return a day of the calendar. Raises UsageError for anything else."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise UsageError(f"--until {text[:40]} is no day.", hint="write it as 2027-01-31") from None
