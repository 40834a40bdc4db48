"""When a retrain that a trigger asks for may begin: one at a time, not too soon, not too often."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from trimtab.nouns import Decision, Judgement, Moment, State
from trimtab.nouns.project import RetrainSpec

MONTH = timedelta(days=30)
# What ends a retrain: its Version was judged, by the first rule or against the champion.
ENDS = frozenset({"promote", "refuse", "keep", "admit"})


def may_retrain(now: Moment, decisions: Sequence[Decision], spec: RetrainSpec, windows_since: int) -> Judgement:
    """Return PASS where a retrain may begin at `now`, else FAIL with every reason to wait.

    `now` is the `as_of` of the turn; with `order = "file"` it is a position and the rules of the calendar (a cool-down
    in time, `per_month`) do not apply. A `per_month` of 0 is no cap. `decisions` is the journal, oldest first.
    `windows_since` are the windows that were finished since the last retrain; without one there is no cool-down.
    """
    retrains = [decision for decision in decisions if decision.action == "retrain"]
    waits = [
        *_wait_for_running(decisions),
        *_wait_for_windows(spec.cooldown_windows if retrains else 0, windows_since),
        *(_wait_for_calendar(now, retrains, spec) if isinstance(now, datetime) else ()),
    ]
    state = State.FAIL if waits else State.PASS
    reasons = tuple(waits) or (f"a retrain may begin: {_count(len(retrains), 'retrain')} so far, none running",)
    return Judgement("may_retrain", state, reasons, {"retrains": len(retrains), "windows_since": windows_since})


def find_running(decisions: Iterable[Decision]) -> Decision | None:
    """Return the newest retrain Decision that no promote, refuse, keep or admit has followed, or None."""
    running = None
    for decision in decisions:
        if decision.action == "retrain":
            running = decision
        elif decision.action in ENDS:
            running = None
    return running


def find_ended(decisions: Iterable[Decision]) -> Decision | None:
    """Return what ended the newest retrain that has an end, or None; after a crash others stand between."""
    running, ended = False, None
    for decision in decisions:
        if decision.action == "retrain":
            running = True
        elif running and decision.action in ENDS:
            running, ended = False, decision
    return ended


def find_wait(decisions: Sequence[Decision]) -> Decision | None:
    """Return the wait that still stands: the newest Decision, where it is one.

    What the layer learnt, and who is believed about outcomes, ends no wait.
    """
    last = next((one for one in reversed(decisions) if one.by not in {"layer", "crosscheck"}), None)
    return last if last and last.action == "wait" else None


def _wait_for_running(decisions: Sequence[Decision]) -> Iterable[str]:
    running = find_running(decisions)
    if running:
        yield f"waits until the retrain of {_moment(running.as_of)} (decision {running.number}) is judged"


def _wait_for_windows(needed: int, since: int) -> Iterable[str]:
    if since < needed:
        yield f"waits for {_count(needed, 'window')} after the last retrain: {since:,} so far"


def _wait_for_calendar(now: datetime, retrains: Sequence[Decision], spec: RetrainSpec) -> Iterable[str]:
    """Yield the waits that time alone ends: the cool-down, and the cap of the last 30 days."""
    # A turn for a past moment knows nothing of what was decided for a later one.
    past = sorted(decision.as_of for decision in retrains if decision.as_of <= now)
    if past and spec.cooldown and now < past[-1] + spec.cooldown:
        cooldown = str(spec.cooldown).removesuffix(", 0:00:00")
        ready = _moment(past[-1] + spec.cooldown)
        yield f"waits until {ready}: the last retrain was at {_moment(past[-1])}, cool-down {cooldown}"
    recent = [moment for moment in past if moment > now - MONTH]
    if 0 < spec.per_month <= len(recent):
        ready = _moment(recent[-spec.per_month] + MONTH)
        yield f"waits until {ready}: {_count(len(recent), 'retrain')} in 30 days, {spec.per_month:,} are allowed"


def _moment(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"


def _count(number: int, thing: str) -> str:
    return f"{number:,} {thing}" if number == 1 else f"{number:,} {thing}s"
