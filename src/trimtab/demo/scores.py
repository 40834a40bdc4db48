"""How wrong the answers were, step by step: as served, and as they would have been had the first Version stayed."""

from collections.abc import Sequence
from dataclasses import dataclass

from trimtab.contract.row import compile_row
from trimtab.demo.story import Answer, Step, Story


@dataclass(frozen=True, slots=True)
class Curves:
    """Brier score of each step, as served and frozen; `rows` weighs it, `replaced`: a later Version answered."""

    served: tuple[float, ...]
    frozen: tuple[float, ...]
    rows: tuple[int, ...]
    replaced: tuple[bool, ...]

    @property
    def any_replaced(self) -> bool:
        """Whether a later Version than the first one ever answered."""
        return any(self.replaced)

    @property
    def replaced_rows(self) -> int:
        """How many rows a later Version answered."""
        return sum(rows for rows, later in zip(self.rows, self.replaced, strict=True) if later)

    def mean(self, curve: Sequence[float]) -> float:
        """Return the mean over the rows that a later Version answered; over all rows where none ever did."""
        chosen = self.replaced if self.any_replaced else (True,) * len(self.rows)
        weights = [rows * use for rows, use in zip(self.rows, chosen, strict=True)]
        return sum(value * weight for value, weight in zip(curve, weights, strict=True)) / sum(weights)


def measure_curves(story: Story) -> Curves:
    """Return both curves. The frozen one is answered anew, row by row, by the packaged first Version."""
    positive = story.wheel.contract.target.positive
    return Curves(
        served=tuple(brier_score(s.answers, [a.probability for a in s.answers], positive) for s in story.steps),
        frozen=tuple(brier_score(s.answers, answer_again(story, s.answers), positive) for s in story.steps),
        rows=tuple(len(step.answers) for step in story.steps),
        replaced=tuple(step.version != story.first.name for step in story.steps),
    )


def answer_again(story: Story, answers: Sequence[Answer]) -> list[float]:
    """Return the probabilities that the first Version gives to the same rows."""
    clean, ask = compile_row(story.wheel.contract), story.wheel.package(story.first.id).compile_row()
    found = (ask(clean(answer.row).values) for answer in answers)
    return [probability for probability in found if isinstance(probability, float)]


def brier_score(answers: Sequence[Answer], probabilities: Sequence[float], positive: str) -> float:
    """Return the mean of (probability - truth) squared, where truth is 1 for the positive class."""
    errors = [(p - (answer.truth == positive)) ** 2 for p, answer in zip(probabilities, answers, strict=True)]
    return sum(errors) / len(errors)


def list_steps(story: Story, curves: Curves) -> list[dict[str, object]]:
    """Return a fact sheet for each step."""
    return [_list_step(*scored) for scored in zip(story.steps, curves.served, curves.frozen, strict=True)]


def _list_step(step: Step, served: float, frozen: float) -> dict[str, object]:
    return {
        "first": step.first,
        "last": step.last,
        "planted": step.planted,
        "version": step.version,
        "brier": {"served": served, "frozen": frozen},
        "fired": step.fired,
        "decisions": [decision.action for decision in step.ticked.decisions],
        "epoch": step.ticked.epoch,
    }
