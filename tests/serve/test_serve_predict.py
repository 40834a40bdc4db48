"""POST /predict: the shapes of request and reply, and the ladder's rows for one request, against a real worker."""

import json
from typing import Any

import pytest

FIELDS = {"prediction", "probability", "prediction_id", "model", "version", "epoch", "logged", "warnings"}


def errors(response: Any) -> set[str]:
    assert response.headers["content-type"] == "application/problem+json"
    return {f"{bad['field']}:{bad['code']}" for bad in response.json().get("errors", [])}


def test_one_row_gets_one_answer(server: Any, good: dict[str, Any]) -> None:
    reply = server.ask(good).json()
    assert set(reply) == FIELDS
    assert (reply["model"], reply["version"], reply["epoch"], reply["logged"]) == ("churn", "v1", 1, "durable")
    assert reply["prediction"] in {"yes", "no"}
    assert 0 < reply["probability"] < 1
    assert reply["warnings"] == []


def test_many_rows_are_answered_in_their_order(server: Any, good: dict[str, Any]) -> None:
    alone = [server.ask({**good, "size": size}).json()["probability"] for size in (5, 250, 480)]
    reply = server.ask({"rows": [{**good, "size": size} for size in (5, 250, 480)]}).json()
    assert [one["probability"] for one in reply["results"]] == alone
    assert {name: reply[name] for name in ("model", "version", "epoch", "logged")} == {
        "model": "churn",
        "version": "v1",
        "epoch": 1,
        "logged": "durable",
    }


def test_an_absent_optional_field_is_a_warning(server: Any, good: dict[str, Any]) -> None:
    row = {name: value for name, value in good.items() if name not in {"age", "plan/type", "Größe (cm)"}}
    assert server.ask(row).json()["warnings"] == ["imputed:age", "imputed:plan/type", "imputed:Größe (cm)"]


@pytest.mark.parametrize(
    ("change", "warning"),
    [
        ({"plan/type": "zz"}, "unseen:plan/type"),
        ({"size": 700}, "soft_range:size"),
        ({"Größe (cm)": "181.5"}, "repaired:Größe (cm)"),
        ({"age": None}, "imputed:age"),
        ({"extra": 1}, "ignored:extra"),
        ({"<b>": 1}, "ignored:\\u003cb\\u003e"),
    ],
)
def test_what_the_contract_lets_pass_is_warned_of(server: Any, good: dict[str, Any], change: Any, warning: str) -> None:
    reply = server.ask({**good, **change})
    assert (reply.status_code, reply.json()["warnings"]) == (200, [warning])


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"size": None}, "size:missing"),
        ({"size": "12"}, "size:text_for_number"),
        ({"size": True}, "size:bool_for_number"),
        ({"size": [1]}, "size:wrong_type"),
        ({"size": -1}, "size:hard_range"),
        ({"age": 3.5}, "age:not_an_integer"),
        ({"age": 10**400}, "age:hard_range"),
        ({"color": "green"}, "color:unseen"),
        ({"asked_at": "2026-02-01T12:00:00"}, "asked_at:naive_time"),
        ({"asked_at": "soon"}, "asked_at:bad_time"),
        ({"customer": "x" * 10_001}, "customer:too_long"),
    ],
)
def test_what_breaks_the_contract_is_refused(server: Any, good: dict[str, Any], change: Any, error: str) -> None:
    reply = server.ask({**good, **change})
    assert (reply.status_code, reply.json()["code"], errors(reply)) == (422, "invalid_row", {error})


def test_all_bad_fields_are_named_at_once(server: Any, good: dict[str, Any]) -> None:
    reply = server.ask({**good, "size": "x", "age": True, "color": "green"})
    assert errors(reply) == {"size:text_for_number", "age:bool_for_number", "color:unseen"}


@pytest.mark.parametrize("value", ["NaN", "Infinity", "-Infinity", "1e400", "9" * 5000])
def test_numbers_without_end_name_their_field(server: Any, value: str) -> None:
    reply = server.ask(f'{{"size": {value}, "color": "green", "customer": "c"}}')
    assert reply.status_code == 422
    assert errors(reply) == {"size:not_finite", "color:unseen"}


def test_bad_rows_among_many_do_not_spoil_the_others(server: Any, good: dict[str, Any]) -> None:
    reply = server.ask({"rows": [good, {**good, "size": None}, 7, good]})
    results = reply.json()["results"]
    assert (reply.status_code, [set(one) == FIELDS for one in results]) == (200, [True, False, False, True])
    assert results[1]["error"]["errors"][0] == {"field": "size", "code": "missing", "detail": "is required"}


def test_atomic_refuses_all_rows_for_one(server: Any, good: dict[str, Any]) -> None:
    before = server.client.get("/healthz").json()["spool"]["records"]
    reply = server.ask({"rows": [good, {**good, "size": None}]}, params={"atomic": "true"})
    assert (reply.status_code, errors(reply)) == (422, {"rows[1].size:missing"})
    assert server.client.get("/healthz").json()["spool"]["records"] == before


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ([], "invalid_request"),
        ([{"size": 1}], "invalid_request"),
        (7, "invalid_request"),
        ({"rows": {}}, "invalid_request"),
        ({"rows": [], "size": 1}, "invalid_request"),
        ({"rows": [{}], "ids": ["a", "b"]}, "invalid_request"),
        ({"rows": [{}, {}], "ids": ["a", "a"]}, "invalid_request"),
        ({"rows": [{}], "ids": [""]}, "invalid_request"),
    ],
)
def test_another_shape_is_refused(server: Any, body: Any, code: str) -> None:
    reply = server.ask(body)
    assert (reply.status_code, reply.json()["code"]) == (422, code)


def test_no_rows_are_an_empty_answer(server: Any) -> None:
    assert server.ask({"rows": []}).json()["results"] == []


@pytest.mark.parametrize(
    ("query", "code"),
    [("explian=true", "unknown_option"), ("atomik=true", "unknown_option"), ("atomic=maybe", "unknown_option")],
)
def test_no_option_is_ignored(server: Any, good: dict[str, Any], query: str, code: str) -> None:
    reply = server.ask(good, f"/predict?{query}")
    assert (reply.status_code, reply.json()["code"]) == (400, code)


def test_a_repeat_under_the_clients_id_is_harmless(server: Any, good: dict[str, Any]) -> None:
    first, again = (server.ask(good, headers={"idempotency-key": "mine"}).json() for _ in range(2))
    assert first == again
    other = server.ask({**good, "size": 7}, headers={"idempotency-key": "mine"})
    assert (other.status_code, other.json()["code"]) == (409, "id_reused")


def test_ids_of_many_rows_are_repeated_one_by_one(server: Any, good: dict[str, Any]) -> None:
    body = {"rows": [good, {**good, "size": 9}], "ids": ["one", None]}
    first, again = (server.ask(body).json()["results"] for _ in range(2))
    assert first[0] == again[0]
    assert first[1]["prediction_id"] != again[1]["prediction_id"]


def test_a_request_is_counted_without_its_values(server: Any, good: dict[str, Any]) -> None:
    server.ask({**good, "color": "canary-colour", "canary-field": 1})
    text = server.client.get("/metrics").text
    assert 'trimtab_rejected_fields_total{field="color",reason="unseen",worker="w0"}' in text
    assert "canary" not in text


def test_a_warning_is_counted_by_kind(server: Any, good: dict[str, Any]) -> None:
    server.ask({**good, "plan/type": "zz"})
    assert 'trimtab_warnings_total{kind="unseen",worker="w0"}' in server.client.get("/metrics").text


def test_extra_fields_can_be_refused(world: Any, local: Any, tmp_path: Any, good: dict[str, Any]) -> None:
    strict = local(world.make_project(tmp_path / "p", serve='extra_fields = "reject"'))
    assert errors(strict.ask({**good, "<i>": 1, "size": None})) == {"size:missing", "\\u003ci\\u003e:unknown_field"}


def test_too_many_rows_are_413(tight: Any, good: dict[str, Any]) -> None:
    assert [tight.ask({"rows": [good] * count}).status_code for count in (50, 51)] == [200, 413]


@pytest.mark.parametrize("task", ["regression", "multiclass"])
def test_other_tasks_have_their_own_fields(
    other_worlds: Any, local: Any, tmp_path: Any, good: dict[str, Any], task: str
) -> None:
    reply = local(other_worlds[task].make_project(tmp_path / "p")).ask(good).json()
    if task == "regression":
        assert isinstance(reply["prediction"], float)
        assert "probability" not in reply
    else:
        assert sum(reply["probabilities"].values()) == pytest.approx(1)
        assert reply["prediction"] == max(reply["probabilities"], key=reply["probabilities"].get)


def test_the_reply_is_json_that_every_client_reads(server: Any, good: dict[str, Any]) -> None:
    reply = server.ask(good)
    assert reply.headers["content-type"] == "application/json"
    json.loads(reply.text, parse_constant=lambda _: pytest.fail("a reply holds NaN"))
