"""What moved an answer: exact parts that add up where one sum is the answer; and a logged answer made again."""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.serve.test_serve_trim import GOOD, ask_alone, live_of

from trimtab.nouns import Member
from trimtab.serve.explain import Explainer, explain_answer
from trimtab.train.artefact import open_version


def explained(world: Any, packages: Mapping[str, Any], members: list[Member], threshold: Any = 0.4) -> Any:
    live = live_of(world, packages, members, threshold)
    given = ask_alone(live, GOOD)
    assert given is not None
    return given.output, explain_answer(live, GOOD, given)


def log_odds(output: Mapping[str, Any]) -> float:
    return math.log(output["probability"] / (1 - output["probability"]))


@pytest.fixture(scope="module")
def opened(world: Any) -> Mapping[str, Any]:
    return {name: open_version(folder) for name, folder in world.folders.items()}


def total(explanation: Mapping[str, Any]) -> float:
    return math.fsum((explanation["base"], *explanation["parts"].values()))


def test_the_parts_of_one_version_add_up(world: Any, opened: Any) -> None:
    output, told = explained(world, opened, [Member("first")])
    assert set(told["explanation"]["parts"]) == {column.name for column in world.contract.features}
    assert told["explanation"]["unit"] == "log-odds of yes"
    assert told["calibration"] == "identity"
    assert total(told["explanation"]) == pytest.approx(log_odds(output))
    assert "members" not in told


def test_recalibrated_parts_still_add_up_to_the_log_odds(world: Any, opened: Any) -> None:
    output, told = explained(world, opened, [Member("first", 1.0, (0.8, 0.3))])
    assert total(told["explanation"]) == pytest.approx(log_odds(output))
    assert told["explanation"]["raw"] == output["probability"]


def test_chances_of_several_versions_have_no_sum_and_each_its_own(world: Any, opened: Any) -> None:
    _, told = explained(world, opened, [Member("first", 0.5), Member("second", 0.3), Member("first", 0.2, (2.0, 0.0))])
    assert told["explanation"] is None
    assert [(one["version"], one["weight"]) for one in told["members"]] == [("v0", 0.5), ("v0", 0.3), ("v0", 0.2)]
    alone = explained(world, opened, [Member("second")])[1]
    assert told["members"][1]["explanation"] == alone["explanation"]


def test_numbers_of_several_versions_add_up_to_the_prediction(other_worlds: Any) -> None:
    world = other_worlds["regression"]
    opened = {name: open_version(folder) for name, folder in world.folders.items()}
    output, told = explained(world, opened, [Member("first", 0.6, (1.1, -2.0)), Member("second", 0.4)], None)
    assert told["explanation"]["unit"] == "churned"
    assert total(told["explanation"]) == pytest.approx(output["prediction"])


def test_a_version_left_out_is_named(wider_world: Any) -> None:
    opened = {name: open_version(folder) for name, folder in wider_world.folders.items()}
    live = live_of(wider_world, opened, [Member("first", 0.6), Member("strict", 0.4)])
    row = {**GOOD, "age": None}
    given = ask_alone(live, row)
    assert given is not None
    told = explain_answer(live, row, given)
    assert [(one["left_out"], one["weight"]) for one in told["members"]] == [(False, 1.0), (True, 0.0)]


def test_a_reply_carries_its_explanation_where_it_is_asked_for(server: Any, good: dict[str, Any]) -> None:
    """The same as `GET /predictions/{id}/explanation` tells later, and the answer is made again."""
    reply = server.ask({"rows": [good, {**good, "size": None}]}, "/predict?explain=true").json()["results"]
    told = server.client.get(f"/predictions/{reply[0]['prediction_id']}/explanation").json()
    assert reply[0]["explanation"] == told["explanation"]
    assert reply[0]["explanation"]["parts"]
    assert (told["same"], told["again"]["probability"]) == (True, reply[0]["probability"])
    assert "explanation" not in reply[1]
    assert server.ask({"rows": [good] * 101}, "/predict?explain=true").status_code == 413


def test_explain_belongs_to_the_question_of_an_id(server: Any, good: dict[str, Any]) -> None:
    first, again = (server.ask(good, "/predict?explain=true", headers={"idempotency-key": "why"}) for _ in range(2))
    assert first.content == again.content
    assert server.ask(good, headers={"idempotency-key": "why"}).status_code == 409


def test_an_answer_of_an_earlier_epoch_is_explained_by_its_own_trim(
    world: Any, local: Any, tmp_path: Path, good: dict[str, Any]
) -> None:
    """A blend; the child process opens the Versions of that epoch and makes the same bytes."""
    project = world.make_project(tmp_path / "p")
    world.share(project, Member("first", 0.6, (1.2, -0.1)), Member("second", 0.4), threshold=0.5)
    worker = local(project)
    identifier = worker.ask(good).json()["prediction_id"]
    here = worker.get(f"/predictions/{identifier}/explanation").json()
    world.promote(project, "third")
    worker.desk.show(worker.shelf.open_trim(worker.shelf.catalog.trim(), worker.desk.live))
    there = worker.get(f"/predictions/{identifier}/explanation").json()
    assert there == here
    assert (there["same"], there["epoch"], there["version"], len(there["members"])) == (True, 2, "v1", 2)


@pytest.mark.parametrize("fallback", ["previous", "base_rate"])
def test_a_fallbacks_answer_is_made_again_too(
    world: Any, local: Any, tmp_path: Path, good: dict[str, Any], fallback: str
) -> None:
    project = world.make_project(tmp_path / "p", serve=f'fallback = "{fallback}"')
    worker = local(project)
    world.promote(project, "second")
    worker.desk.show(worker.shelf.open_trim(worker.shelf.catalog.trim(), worker.desk.live))
    for _ in range(5):
        worker.desk.breaker.fail("v2", ValueError())
    reply = worker.ask(good).json()
    told = worker.get(f"/predictions/{reply['prediction_id']}/explanation").json()
    assert (told["same"], told["version"]) == (True, {"previous": "v1", "base_rate": "base_rate"}[fallback])


def test_an_altered_log_is_not_the_same(world: Any, local: Any, tmp_path: Path, good: dict[str, Any]) -> None:
    from trimtab.serve.explain import explain_record

    worker = local(world.make_project(tmp_path / "p"))
    body = worker.desk.spool.find("prediction", worker.ask(good).json()["prediction_id"])
    record = msgspec.json.decode(body)
    live = worker.desk.live
    assert explain_record(lambda *, text: live, record)["same"] is True
    for field, other in (("output", "size"), ("features", "size")):
        changed = {**record, field: record[field].replace("0", "1")}
        assert explain_record(lambda *, text: live, changed)["same"] is False, other


def test_a_busy_worker_leaves_explanations_first(world: Any, local: Any, tmp_path: Path, good: dict[str, Any]) -> None:
    worker = local(world.make_project(tmp_path / "p"))
    worker.desk.explainer = Explainer(places=0)
    reply = worker.ask(good, "/predict?explain=true").json()
    assert (reply["explanation"], reply["warnings"], reply["logged"]) == (None, ["shed:explanation"], "durable")
    assert worker.get(f"/predictions/{reply['prediction_id']}/explanation").status_code == 429
