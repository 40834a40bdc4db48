"""What follows from a Verdict: a Decision with reasons that a person understands. Nothing is carried out here.

Rule `first`   the project has no champion: the first Version only needs its golden rows.
Rule `switch`  one Version answers: the challenger takes over on evidence, is refused on evidence, or waits.
Rule `blend`   several answer together: the challenger is let in unless a gate fails, and earns its weight afterwards.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime

from trimtab.metrics.figures import spread
from trimtab.nouns import Decision, Judgement, State, Verdict
from trimtab.nouns.verdict import Action

SAYS = {State.PASS: "passed", State.FAIL: "failed", State.CANNOT_TELL: "open"}


def first(
    version: str, golden: Judgement, *, at: datetime, as_of: datetime, warnings: Iterable[str] = (), by: str = "first"
) -> Decision:
    """Return the Decision about the first Version: promote on PASS, refuse on FAIL, wait where nobody could tell.

    `warnings` are those of its training, in words.
    """
    action, opening = _begin(version, golden.state)
    reasons = (opening, _sentence(golden), *(f"warning: {warning}" for warning in warnings))
    return Decision(action, by, reasons, at, as_of, version=version)


def decide(verdict: Verdict, *, at: datetime, as_of: datetime, by: str = "switch") -> Decision:
    """Return promote for a Verdict that passed, refuse for one that failed, keep (the champion) where it cannot tell.

    By the rule `blend` a Verdict that cannot tell lets the challenger in: outcomes will tell.

    `version` of the Decision is the challenger where it is promoted or refused, the champion where that one is kept.
    """
    action, version, opening = _blend(verdict) if by == "blend" else _switch(verdict)
    # What decided stands first: in a refusal what failed, in a wait what is open.
    gates = sorted(verdict.gates, key=lambda gate: gate.state is not verdict.state)
    reasons = (opening, *map(_sentence, gates), *_tell_differences(verdict))
    return Decision(action, by, reasons, at, as_of, version=version, verdict=verdict)


def _begin(version: str, state: State) -> tuple[Action, str]:
    """Return the action on a first Version, and the sentence that opens its reasons."""
    if state is State.PASS:
        return "promote", f"{version} is the first Version, so there is nothing that could answer better"
    if state is State.FAIL:
        return "refuse", f"{version} would be the first Version, but it does not answer as it was fitted"
    return "wait", f"{version} would be the first Version, but nobody has seen yet that it answers as it was fitted"


def _switch(verdict: Verdict) -> tuple[Action, str, str]:
    """Return action, Version acted on, and the opening sentence."""
    challenger, champion = verdict.challenger, verdict.champion
    if verdict.state is State.PASS:
        return "promote", challenger, f"{challenger} replaces {champion}: every gate passed"
    if verdict.state is State.FAIL:
        return "refuse", challenger, f"{challenger} is refused and {champion} goes on answering"
    return "keep", champion, f"{champion} is kept: it is not shown that {challenger} is better"


def _blend(verdict: Verdict) -> tuple[Action, str, str]:
    """Return action, Version acted on, and the opening sentence."""
    challenger, champion = verdict.challenger, verdict.champion
    if verdict.state is State.FAIL:
        return "refuse", challenger, f"{challenger} is refused and {champion} goes on answering"
    return "promote", challenger, f"{challenger} takes half of the weight of its predecessors, and earns the rest"


def _sentence(gate: Judgement) -> str:
    return f"gate {gate.name} {SAYS[gate.state]}: {'; '.join(gate.reasons)}"


def _tell_differences(verdict: Verdict) -> Iterator[str]:
    """Yield one sentence with every metric's difference, where there are any."""
    # For classes the risk is the Brier score itself, so it need not be said twice.
    twice = {"risk"} if "brier" in verdict.differences else set()
    parts = ", ".join(f"{name} {spread(gain)}" for name, gain in verdict.differences.items() if name not in twice)
    if parts:
        yield f"{verdict.challenger} against {verdict.champion} (above 0: {verdict.challenger} is better): {parts}"
