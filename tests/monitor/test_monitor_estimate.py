"""Estimates before labels: near the truth, beside their own error, and silenced where that is bad."""

from dataclasses import replace

import numpy as np
import pytest

from trimtab.metrics import bounded_losses
from trimtab.monitor.estimate import Estimate, _guess, _line, estimate
from trimtab.monitor.performance import Reference, Scored
from trimtab.monitor.windows import cut
from trimtab.nouns import Interval, State

ROWS, SIZE = 4800, 400
NOTHING = np.empty((ROWS, 0))


def make_scored(
    task: str = "binary", *, blurred: float = 0.0, lost: int = SIZE, seed: int = 1
) -> tuple[Scored, np.ndarray]:
    """Answers that mean what they say, vaguer by `blurred` in the last window; the `lost` last labels are not known."""
    chance = np.random.default_rng(seed)
    newest, known = np.arange(ROWS) >= ROWS - SIZE, np.arange(ROWS) < ROWS - lost
    if task == "regression":
        size = chance.uniform(1.0 + 2.0 * blurred * newest, 3.0)
        answers = chance.normal(size=ROWS)
        labels = answers + 0.3 * size * chance.normal(size=ROWS)
        return Scored("regression", answers, labels, known, scale=4.0), size[:, None]
    odds = chance.normal(scale=2.0, size=ROWS) * (1.0 - blurred * newest)
    answers = 1.0 / (1.0 + np.exp(-odds))
    labels = (chance.random(ROWS) < answers).astype(float)
    if task == "multiclass":
        rest = np.column_stack([answers, 0.6 * (1.0 - answers), 0.4 * (1.0 - answers)])
        other = np.where(chance.random(ROWS) < 0.6, 1.0, 2.0)
        return Scored("multiclass", rest, np.where(labels == 1.0, 0.0, other), known), NOTHING
    return Scored("binary", answers, labels, known), NOTHING


def guess(scored: Scored, columns: np.ndarray, reference: Reference | None = None) -> Estimate:
    promised = reference or Reference(Interval(0.13, 0.12, 0.14, 2000))
    return estimate(cut(np.arange(ROWS), SIZE, 1), scored, columns, promised, min_labels=100)


def truth(scored: Scored) -> float:
    rows = slice(ROWS - SIZE, ROWS)
    return float(bounded_losses(scored.task, scored.labels[rows], scored.answers[rows], scored.scale).mean())


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
@pytest.mark.parametrize("blurred", [0.0, 0.7])
def test_an_estimate_is_near_what_comes_out(task: str, blurred: float) -> None:
    scored, columns = make_scored(task, blurred=blurred)
    found = guess(scored, columns, Reference(Interval(0.2, 0.19, 0.21, 2000)))
    assert found.risk is not None
    assert found.error is not None
    assert found.checked >= 8
    assert found.risk == pytest.approx(truth(scored), abs=0.2 * truth(scored))
    assert found.error < 0.03


def test_a_vaguer_window_warns_and_asks_for_labels() -> None:
    calm, vague = guess(*make_scored()), guess(*make_scored(blurred=0.8))
    assert calm.judgement.state is State.PASS
    assert vague.judgement.state is State.FAIL
    assert "label some of its rows" in vague.judgement.reasons[0]
    assert "off by" in vague.judgement.reasons[0]


def test_answers_that_overstate_are_recalibrated_by_earlier_labels() -> None:
    scored, columns = make_scored()
    odds = np.log(scored.answers / (1.0 - scored.answers))
    sure = replace(scored, answers=1.0 / (1.0 + np.exp(-3.0 * odds)))
    naive = float((sure.answers * (1.0 - sure.answers))[-SIZE:].mean())
    found = guess(sure, columns, Reference(Interval(0.2, 0.19, 0.21, 2000)))
    assert found.risk == pytest.approx(truth(sure), abs=0.02)
    assert naive < truth(sure) - 0.05


def test_an_estimate_that_was_wrong_is_silenced() -> None:
    """Labels follow from something else in every other window: what one window teaches is wrong for the next."""
    scored, columns = make_scored()
    odd = (np.arange(ROWS) // SIZE) % 2 == 1
    found = guess(replace(scored, labels=np.where(odd, 1.0 - scored.labels, scored.labels)), columns)
    assert (found.risk, found.judgement.state) == (None, State.CANNOT_TELL)
    assert "silenced" in found.judgement.reasons[0]


def test_the_future_of_labels_does_not_count() -> None:
    """What the newest window's labels turn out to be changes nothing, as long as they are not known."""
    scored, columns = make_scored()
    other = np.where(scored.known, scored.labels, 1.0 - scored.labels)
    assert guess(scored, columns) == guess(replace(scored, labels=other), columns)


@pytest.mark.parametrize("task", ["binary", "regression"])
def test_a_past_window_is_estimated_from_labels_before_it(task: str) -> None:
    """Otherwise the error that is shown would flatter: its own labels and later ones may be anything."""
    (scored, columns), cuts, place = make_scored(task), cut(np.arange(ROWS), SIZE, 1), 6
    later = np.arange(ROWS) >= cuts[place].first
    other = replace(scored, labels=np.where(later, scored.labels[::-1], scored.labels))
    guesses = []
    for one in (scored, other):
        lines = {number: _line(one, part, 100) for number, part in enumerate(cuts[:-1])}
        guesses.append(_guess(cuts, one, columns, lines, place, 1))
    assert guesses[0] == guesses[1] is not None


@pytest.mark.parametrize("lost", [ROWS, ROWS - SIZE // 8])
def test_without_labels_it_cannot_tell(lost: int) -> None:
    found = guess(*make_scored(lost=lost))
    assert (found.risk, found.judgement.state) == (None, State.CANNOT_TELL)


def test_with_few_past_windows_it_cannot_tell() -> None:
    found = guess(*make_scored(lost=ROWS - 2 * SIZE))
    assert found.judgement.state is State.CANNOT_TELL


def test_without_a_window_it_cannot_tell() -> None:
    scored, columns = make_scored()
    assert estimate((), scored, columns, Reference(None)).judgement.state is State.CANNOT_TELL
