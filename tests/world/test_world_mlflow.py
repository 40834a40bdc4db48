"""A real MLflow server is told of trials and Versions once, and never stands in the way of a training."""

from collections.abc import Callable

import pytest
from tests.world.conftest import Server

from trimtab.loop.cycle import train
from trimtab.loop.mirror import mirror, name_state
from trimtab.loop.state import Wheel
from trimtab.loop.tick import tick

pytestmark = [pytest.mark.world, pytest.mark.filterwarnings("default")]  # mlflow's own warnings are not ours to mend


def say_nothing(_: str) -> None:
    pass


def facts(run: dict[str, object], part: str) -> dict[str, object]:
    data: dict[str, list[dict[str, object]]] = run["data"]  # type: ignore[assignment]
    return {str(one["key"]): one["value"] for one in data.get(part, [])}


def test_every_trial_and_version_is_a_run(server: Server, make_project: Callable[[str], Wheel]) -> None:
    wheel = make_project("whole")
    done = train(wheel, tell=say_nothing)
    trials, runs = wheel.catalog.trials.list(), server.runs("whole")
    assert done.mirrored == f"MLflow was told of {len(trials) + 1} runs."
    assert len(runs) == len(trials) + 1
    by_key = {facts(run, "tags")["trimtab.key"]: run for run in runs}
    version = by_key[f"version/{done.version.id}"]
    assert version["info"]["run_name"] == "v1"
    assert facts(version, "metrics")["log_loss"] == pytest.approx(done.choice.metrics["log_loss"].value)
    for trial in trials:
        run = by_key[f"trial/{trial['search']}/{trial['number']}"]
        state = {"complete": "FINISHED", "failed": "FAILED"}[trial["state"]]
        assert run["info"]["status"] == state
        assert facts(run, "tags")["trimtab.snapshot"] == trial["snapshot"]["fingerprint"]
        assert facts(run, "params").get("C") == (str(trial["params"]["C"]) if trial["family"] == "linear" else None)
        if state == "FINISHED":
            assert facts(run, "metrics")["log_loss"] == pytest.approx(trial["score"]["value"])
        else:
            assert "broken on purpose" in str(facts(run, "tags")["trimtab.reason"])


def test_what_was_told_is_not_told_twice(server: Server, make_project: Callable[[str], Wheel]) -> None:
    wheel = make_project("once")
    train(wheel, tell=say_nothing)
    before = server.runs("once")
    assert mirror(wheel) == ""
    # The memory of the mirror is lost, and one run was cut off.
    wheel.catalog.put_state(name_state(server.address), {"trials": 0, "versions": 0})
    server.forget_end(before[0]["info"]["run_id"])
    assert mirror(wheel).startswith("MLflow was told of")
    after = server.runs("once")
    assert [run["info"]["run_id"] for run in after] == [run["info"]["run_id"] for run in before]
    assert {run["info"]["status"] for run in after} == {"FINISHED", "FAILED"}
    assert [facts(run, "metrics") for run in after] == [facts(run, "metrics") for run in before]


def test_a_server_that_is_down_costs_a_sentence_and_is_told_later(
    server: Server, make_project: Callable[[str], Wheel]
) -> None:
    wheel = make_project("later")
    server.stop()
    try:
        done = train(wheel, tell=say_nothing)
        assert done.promoted
        assert done.mirrored.startswith("MLflow was not told of")
    finally:
        server.start()
    turned = tick(wheel, tell=say_nothing)
    assert turned.mirrored == f"MLflow was told of {len(wheel.catalog.trials.list()) + 1} runs."
    assert len(server.runs("later")) == len(wheel.catalog.trials.list()) + 1
