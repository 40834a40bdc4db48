"""POST /outcomes: what really happened is checked, kept durably, and told apart from what was known before."""

import signal
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from trimtab import clock
from trimtab.store.spool import segments


def tell(server: Any, **item: Any) -> Any:
    return server.ask(item, "/outcomes")


@pytest.fixture
def made(server: Any, good: dict[str, Any]) -> str:
    """A new Prediction's id."""
    return str(server.ask(good).json()["prediction_id"])


def test_an_outcome_is_accepted_then_repeated_then_corrected(server: Any, made: str) -> None:
    states = [
        tell(server, prediction_id=made, value=value).json()["state"] for value in ("yes", "yes", "no", "no", "yes")
    ]
    assert states == ["accepted", "repeated", "corrected", "repeated", "corrected"]


def test_an_unknown_prediction_is_parked(server: Any) -> None:
    reply = tell(server, prediction_id=clock.uuid7(), value="yes")
    assert (reply.status_code, reply.json()["state"]) == (202, "parked")


def test_an_outcome_by_key_is_accepted(server: Any) -> None:
    assert tell(server, key={"customer": "key-1"}, value="yes").json()["state"] == "accepted"
    assert tell(server, key={"customer": "key-1"}, value="yes").json()["state"] == "repeated"


@pytest.mark.parametrize(
    ("item", "error"),
    [
        ({"value": "yes"}, "prediction_id:missing"),
        ({"prediction_id": "x", "value": "yes"}, "prediction_id:wrong_type"),
        ({"prediction_id": 7, "value": "yes"}, "prediction_id:wrong_type"),
        ({"prediction_id": clock.uuid7(), "key": {"customer": "c"}, "value": "yes"}, "prediction_id:conflict"),
        ({"key": {}, "value": "yes"}, "key.customer:missing"),
        ({"key": {"customer": None}, "value": "yes"}, "key.customer:missing"),
        ({"key": {"customer": "c", "size": 1}, "value": "yes"}, "key.size:unknown_field"),
        ({"key": {"customer": []}, "value": "yes"}, "key.customer:wrong_type"),
        ({"key": "c", "value": "yes"}, "key:not_an_object"),
        ({"key": {"customer": "c"}, "value": "maybe"}, "value:unknown_class"),
        ({"key": {"customer": "c"}, "value": None}, "value:missing"),
        ({"key": {"customer": "c"}, "value": "yes", "known_at": "2026-01-01T00:00:00"}, "known_at:naive_time"),
        ({"key": {"customer": "c"}, "value": "yes", "known_at": "soon"}, "known_at:bad_time"),
        ({"key": {"customer": "c"}, "value": "yes", "known_at": 7}, "known_at:wrong_type"),
        ({"key": {"customer": "c"}, "value": "yes", "known_at": "2999-01-01T00:00:00Z"}, "known_at:future_time"),
        ({"key": {"customer": "c"}, "value": "yes", "label": 1}, "label:unknown_field"),
    ],
)
def test_a_bad_outcome_is_refused(server: Any, item: dict[str, Any], error: str) -> None:
    reply = tell(server, **item)
    assert (reply.status_code, reply.json()["code"]) == (422, "invalid_outcome")
    assert [f"{bad['field']}:{bad['code']}" for bad in reply.json()["errors"]] == [error]


def test_a_clock_may_be_five_minutes_ahead(server: Any, made: str) -> None:
    soon = (datetime.now(UTC) + timedelta(minutes=4)).isoformat()
    assert tell(server, prediction_id=made, value="yes", known_at=soon).status_code == 200


def test_many_outcomes_are_judged_in_their_order(server: Any, made: str) -> None:
    items = [
        {"prediction_id": made, "value": "yes"},
        {"prediction_id": made, "value": "yes"},
        {"prediction_id": made, "value": "perhaps"},
        {"prediction_id": made, "value": "no"},
    ]
    reply = server.ask({"outcomes": items}, "/outcomes")
    assert reply.status_code == 200
    assert [one.get("state", "error") for one in reply.json()["results"]] == [
        "accepted",
        "repeated",
        "error",
        "corrected",
    ]


def test_only_parked_ones_are_202(server: Any, made: str) -> None:
    parked = [{"prediction_id": clock.uuid7(), "value": "yes"} for _ in range(2)]
    assert server.ask({"outcomes": parked}, "/outcomes").status_code == 202
    assert server.ask({"outcomes": [*parked, {"prediction_id": made, "value": "no"}]}, "/outcomes").status_code == 200


@pytest.mark.parametrize(
    ("body", "status"), [({"outcomes": {}}, 422), ([], 422), ({"outcomes": [], "x": 1}, 422), (b"{", 400)]
)
def test_another_shape_is_refused(server: Any, body: Any, status: int) -> None:
    assert server.ask(body, "/outcomes").status_code == status


def test_the_prediction_shows_its_newest_outcome(server: Any, made: str) -> None:
    tell(server, prediction_id=made, value="yes")
    tell(server, prediction_id=made, value="no")
    assert server.client.get(f"/predictions/{made}").json()["outcome"] == "no"


def test_a_repeat_is_known_after_a_restart(world: Any, local: Any, serving: Any, tmp_path: Any) -> None:
    """Nothing was forwarded meanwhile."""
    first = local(world.make_project(tmp_path / "p"))
    assert first.ask({"key": {"customer": "c"}, "value": "yes"}, "/outcomes").json()["state"] == "accepted"
    first.desk.spool.close()
    again = serving(tmp_path / "p")
    again.wait_for(lambda: tell(again, key={"customer": "c"}, value="yes").json()["state"] == "repeated")
    code, errors = again.stop(signal.SIGINT)
    assert "KeyboardInterrupt" in errors
    assert code != 0
    kept = [kind for segment in segments(tmp_path / "p/.trimtab/spool") for kind, _, _ in segment.records()]
    assert 1 <= kept.count("outcome") <= 2


def test_a_number_is_the_outcome_of_a_regression(other_worlds: Any, local: Any, tmp_path: Any) -> None:
    worker = local(other_worlds["regression"].make_project(tmp_path / "p"))
    reply = worker.ask({"key": {"customer": "c"}, "value": 1}, "/outcomes")
    assert reply.json() == {"state": "accepted", "value": "1.0"}
    assert (
        worker.ask({"key": {"customer": "c"}, "value": "1e999"}, "/outcomes").json()["errors"][0]["code"]
        == "not_finite"
    )
