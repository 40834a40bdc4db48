"""A model that fails: the fallback answers under its own name, or nobody does, and a failing model is left in peace."""

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from trimtab.nouns import Trim
from trimtab.serve.answer import BREAKER_FAILURES, Breaker, Given, answer_row
from trimtab.serve.ladder import Problem
from trimtab.serve.live import Shelf
from trimtab.serve.model import Live, Model, compile_model
from trimtab.store import open_blobs, open_catalog


def raising_answer(_numbers: Sequence[float]) -> float:
    raise RuntimeError("canary")


def nan_answer(_numbers: Sequence[float]) -> float:
    return math.nan


@pytest.fixture
def models(world: Any, tmp_path: Any) -> Any:
    """The first and the second Version, opened as a worker opens them."""
    project = world.make_project(tmp_path / "p")
    world.promote(project, "second")
    catalog = open_catalog(project)
    shelf = Shelf(catalog, open_blobs(project), lambda _: "")
    yield [shelf.open(world.ids[name], Trim(1, (), 0.5)) for name in ("first", "second")]
    catalog.close()


def given_for(model: Model, row: dict[str, Any]) -> Given:
    clean = model.row(row)
    return Given({}, clean.values, clean.warnings, model.id, model.name, model.contract.id)


@pytest.mark.parametrize("answer", [raising_answer, nan_answer])
def test_the_previous_version_answers_for_a_failing_one(models: Any, good: dict[str, Any], answer: Any) -> None:
    previous, champion = models
    given = given_for(champion, good)
    answer_row(Live(2, replace(champion, answer=answer), previous), Breaker(), "previous", good, given)
    assert (given.version, given.version_name, given.fallback) == (previous.id, "v1", "previous")
    assert given.output == previous.output(previous.answer(previous.encode(given.values)))
    assert given.warnings == ["fallback:previous"]


def test_the_base_rate_answers_under_its_own_name(models: Any, good: dict[str, Any]) -> None:
    champion = replace(models[1], answer=raising_answer, base=0.25)
    given = given_for(champion, good)
    answer_row(Live(2, champion), Breaker(), "base_rate", good, given)
    assert (given.version, given.output["probability"], given.warnings) == ("base_rate", 0.25, ["fallback:base_rate"])


@pytest.mark.parametrize("fallback", ["previous", "none"])
def test_without_a_fallback_nobody_answers(models: Any, good: dict[str, Any], fallback: Any) -> None:
    champion = replace(models[1], answer=nan_answer)
    with pytest.raises(Problem, match="model_failed"):
        answer_row(Live(2, champion), Breaker(), fallback, good, given_for(champion, good))


def test_a_failing_model_is_not_asked_again_and_again(models: Any, good: dict[str, Any], capsys: Any) -> None:
    """Five failures in a row open the breaker; the log tells of the first and the fifth, without the message."""
    previous, champion = models
    asked: list[int] = []

    def count_and_fail(numbers: Sequence[float]) -> float:
        asked.append(1)
        return raising_answer(numbers)

    live, breaker = Live(2, replace(champion, answer=count_and_fail), previous), Breaker()
    for _ in range(20):
        answer_row(live, breaker, "previous", good, given_for(champion, good))
    assert len(asked) == BREAKER_FAILURES
    errors = capsys.readouterr().err
    assert errors.count("model_failed") == 2
    assert "canary" not in errors


def test_one_answer_closes_the_breaker() -> None:
    breaker = Breaker()
    for _ in range(BREAKER_FAILURES):
        breaker.fail("v1", ValueError())
    assert breaker.open
    breaker.succeed()
    assert not breaker.open


@pytest.mark.parametrize("answer", [math.inf, -math.inf, math.nan, [0.5, 0.5]])
def test_no_answer_without_end_leaves(models: Any, answer: Any) -> None:
    with pytest.raises(ValueError, match="no finite number"):
        models[0].output(answer)


def test_the_threshold_of_the_epoch_belongs_to_the_positive_class(models: Any) -> None:
    output = compile_model(models[0].version, models[0].package, Trim(1, (), 0.3)).output
    assert [output(p)["prediction"] for p in (0.29, 0.3, 0.31)] == ["no", "yes", "yes"]
