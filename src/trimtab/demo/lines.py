"""How good the answers were, month by month: as given over HTTP, and as each policy gives them in the replay."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from trimtab.demo.story import PLANTER, Month, Story
from trimtab.loop.known import count_once, labels_of, load_answers, logged_answers, resolve
from trimtab.loop.replay import Line, score_answers
from trimtab.nouns import Decision

NAMES = {"frozen": "never", "monthly": "always", "switch": "switch", "governed": "governed"}
"""What the demonstration calls the policies of the replay."""
SAME = 1e-9
"""Difference of two log losses that only the order of summing makes."""

Metrics = Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Given:
    """What was answered over HTTP, measured from the log: metrics by month and over all; outcomes that joined."""

    by_month: tuple[Metrics, ...]
    overall: Metrics
    joined: int


def measure_given(story: Story) -> Given:
    """Return how good the logged answers were."""
    answers = count_once(load_answers(story.wheel, resolve(story.wheel, None)))
    known = answers.filter(pl.col("value").is_not_null()).sort("_event_at", "key")
    moment = pl.col("_event_at")
    by_month = tuple(
        _score(story, known.filter((moment >= month.start) & (moment < month.end))) for month in story.months
    )
    return Given(by_month, _score(story, known), known.height)


def _score(story: Story, answers: pl.DataFrame) -> Metrics:
    contract = story.wheel.contract
    return score_answers(contract, labels_of(answers["value"], contract), logged_answers(contract, answers))


def find_differences(
    months: Sequence[Month], lived: Sequence[Metrics], journal: Sequence[Decision], line: Line
) -> Iterator[str]:
    """Yield a sentence for each way in which the replay of the governed policy differs from what was lived."""
    for month, own, again in zip(months, lived, line.by_batch, strict=True):
        if not math.isclose(own["log_loss"], again["log_loss"], rel_tol=0, abs_tol=SAME):
            yield f"{month.name}: log loss {own['log_loss']:.6f} over HTTP, {again['log_loss']:.6f} in the replay"
    own_turns, turns = list_turns(journal, months), list_turns(line.decisions, months)
    if own_turns != turns:
        yield f"promotions over HTTP: {_tell_turns(own_turns)}; in the replay: {_tell_turns(turns)}"


def list_turns(decisions: Sequence[Decision], months: Sequence[Month]) -> list[tuple[str, str]]:
    """Return the promotions after the first: the month at whose end each one came, and the Version's id."""
    promoted = [decision for decision in decisions[1:] if decision.action == "promote"]
    return [(_find_month(decision, months), decision.version or "") for decision in promoted]


def _find_month(decision: Decision, months: Sequence[Month]) -> str:
    """Return the month of a Decision: live, its moment is that of a tick; in the replay, it lies in the month."""
    moment = decision.as_of
    return next((one.name for one in months if one.ticked.as_of == moment or one.start <= moment < one.end), "?")


def _tell_turns(turns: Sequence[tuple[str, str]]) -> str:
    return ", ".join(f"{version} after {month}" for month, version in turns) or "none"


def count_actions(line: Line) -> dict[str, int]:
    """Return how often a policy retrained, promoted and refused."""
    return {plural: line.count(action) for plural, action in ACTIONS.items()}


ACTIONS = {"retrains": "retrain", "promotions": "promote", "refusals": "refuse"}


def is_planted(decision: Decision) -> bool:
    """Return whether the demonstration itself proposed the challenger."""
    return decision.by == f"person:{PLANTER}"
