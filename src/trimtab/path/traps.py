"""Habits that look like progress, each with one way out: noticed in what was logged, and said once.

Each trap carries a key of the episode that it was seen in. Once told, that episode is not mentioned again.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date

from trimtab.nouns import State
from trimtab.path.record import Attempt, Record
from trimtab.path.standing import current_stage, say_count, stand

QUIET_WEEKS = 6
QUIET_HOURS = 20.0  # fewer hours in six weeks are a pause, not a habit
OPEN_COURSES = 3
CERTIFICATES = 2


@dataclass(frozen=True, slots=True)
class Trap:
    """A habit that was noticed: what was seen, the one way out, and whether it was said before."""

    name: str
    seen: str
    fix: str
    key: str
    told: bool = False


def notice(record: Record) -> tuple[Trap, ...]:
    """Return the traps that stand now, also those that were said before."""
    told = record.told()
    found = [trap for look in LOOKS for trap in look(record)]
    return tuple(Trap(one.name, one.seen, one.fix, one.key, one.key in told) for one in found)


def say_once(record: Record) -> tuple[str, ...]:
    """Return what has not been said before, a sentence each, and remember that it is said now."""
    new = [trap for trap in notice(record) if not trap.told]
    record.remember_told(*(trap.key for trap in new))
    return tuple(f"{trap.seen} {trap.fix}" for trap in new)


def study_without_test(record: Record) -> list[Trap]:
    """Notice weeks of study in which no test was tried."""
    since, key = _last_try(record)
    hours = [one for one in record.entries() if one.hours and (since is None or one.on >= since)]
    if not hours:
        return []
    begun = max(since or date.min, min(one.on for one in hours))
    weeks = (record.today() - begun).days // 7
    total = sum(one.hours for one in hours)
    if weeks < QUIET_WEEKS or total < QUIET_HOURS:
        return []
    seen = f"You have studied for {weeks} weeks ({total:.0f} hours) without trying a test."
    return [Trap("open_ended_study", seen, _try_now(record), f"study:{key}")]


def courses_without_test(record: Record) -> list[Trap]:
    """Notice a list of courses that grows while no test is tried."""
    since, key = _last_try(record)
    names = {one.name for one in record.entries() if one.kind == "course" and (since is None or one.on >= since)}
    if len(names) < OPEN_COURSES:
        return []
    seen = f"{len(names)} courses are on your list since your last try at a test." if since else ""
    seen = seen or f"{len(names)} courses are on your list, and no try at a test yet."
    fix = "Keep the one that you like best, and put the others away until a test shows that you need them."
    return [Trap("growing_list", seen, fix, f"courses:{key}")]


def certificates_without_system(record: Record) -> list[Trap]:
    """Notice certificates that pile up while nothing of one's own is live."""
    entries = record.entries()
    certificates = [one for one in entries if one.kind == "certificate"]
    if len(certificates) < CERTIFICATES or any(one.live for one in entries if one.kind == "project"):
        return []
    seen = f"You have {len(certificates)} certificates, and no system of yours is live yet."
    fix = (
        "Put one small thing online before the next certificate: whoever hires can try a link. Then: "
        "trimtab path log project NAME --live URL."
    )
    return [Trap("certificates", seen, fix, "certificates")]


def stale_evidence(record: Record) -> list[Trap]:
    """Notice a passed stage whose evidence is older than a year."""
    found = []
    for one in stand(record).stages:
        if one.stale:
            seen = f"What shows that you passed stage {one.stage.number} is {say_count(one.age_days or 0, 'day')} old."
            fix = f"Take its test again: trimtab {one.command}. Half an hour makes it new."
            found.append(
                Trap("stale_evidence", seen, fix, f"stale:{one.stage.number}:{_last_pass(record, one.stage.number)}")
            )
    return found


LOOKS: Sequence[Callable[[Record], list[Trap]]] = (
    study_without_test,
    courses_without_test,
    certificates_without_system,
    stale_evidence,
)


def _last_try(record: Record) -> tuple[date | None, int]:
    """Return the day and the number of the last try at a test, or (None, 0)."""
    tries: Sequence[Attempt] = [one for one in record.attempts() if one.purpose != "practice"]
    return (tries[-1].at.astimezone().date(), tries[-1].number) if tries else (None, 0)


def _last_pass(record: Record, stage: int) -> int:
    passed = [one.number for one in record.attempts(stage) if one.purpose == "exam" and one.state is State.PASS]
    return passed[-1]


def _try_now(record: Record) -> str:
    if current_stage(record) == 1:
        return (
            "Try one this week, ready or not: trimtab path gate 1 --diagnose. It shows in half an hour what to learn "
            "next, and a miss costs nothing."
        )
    return "Show somebody what you have this week, and log it: trimtab path log gate --stage N."
