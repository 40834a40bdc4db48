"""OpenAPI tells the truth: the row as in the Contract, examples that are answered, replies that keep their schemas."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import jsonschema
import pytest
from tests.serve.hostile import HOSTILE, ask

from trimtab import clock
from trimtab.nouns import Column, Contract
from trimtab.nouns.contract import Rule
from trimtab.serve.ladder import KINDS
from trimtab.serve.routes import ROUTES
from trimtab.serve.shapes import example, field_schema


@pytest.fixture(scope="module")
def document(server: Any) -> Mapping[str, Any]:
    found: dict[str, Any] = server.client.get("/openapi.json").json()
    return found


def keep(value: object, name: str, document: Mapping[str, Any]) -> None:
    """Raise where a value does not keep the schema of that name."""
    schema = {"$ref": f"#/components/schemas/{name}", "components": document["components"]}
    jsonschema.Draft202012Validator(schema).validate(value)


def test_each_route_of_the_table_is_told_with_scope_limits_and_problems(document: Any) -> None:
    assert {(path, *operations) for path, operations in document["paths"].items()} == {
        (route.path, route.method.lower()) for route in ROUTES
    }
    for route in ROUTES:
        told = document["paths"][route.path][route.method.lower()]
        assert (told["summary"], told["x-scope"]) == (route.doc, route.scope)
        assert set(told["responses"]) >= {"200", *(str(KINDS[code].status) for code in route.problems)}
        for code in route.problems:
            assert f"`{code}`" in told["responses"][str(KINDS[code].status)]["description"]
    limits = document["paths"]["/predict"]["post"]["x-limits"]
    assert limits == {"bytes": 1_000_000, "seconds": 10.0, "rows": 1000, "queue": 256}


def test_the_row_is_told_as_the_contract_says_it(document: Any, good: dict[str, Any]) -> None:
    row = document["components"]["schemas"]["Row"]
    assert row["required"] == ["size"]
    size = {"type": "number", "minimum": 0, "maximum": 1000, "description": "usually 1 to 500"}
    assert row["properties"]["size"] == size
    assert row["properties"]["color"]["enum"] == ["red", "blue", None]
    assert row["properties"]["Größe (cm)"]["type"] == ["number", "string", "null"]
    assert set(row["properties"]) == set(good)
    keep(good, "Row", document)


@pytest.mark.parametrize("path", ["/predict", "/outcomes"])
def test_every_example_is_answered(server: Any, document: Any, path: str) -> None:
    body = document["paths"][path]["post"]["requestBody"]["content"]["application/json"]
    assert len(body["examples"]) == 2
    for shown in body["examples"].values():
        keep(shown["value"], body["schema"]["$ref"].rpartition("/")[2], document)
        assert server.ask(shown["value"], path).status_code in {200, 202}


@pytest.mark.parametrize("task", ["binary", "regression", "multiclass"])
def test_replies_keep_their_schemas(
    world: Any, other_worlds: Any, local: Any, tmp_path: Any, good: dict[str, Any], task: str
) -> None:
    worker = local((world if task == "binary" else other_worlds[task]).make_project(tmp_path / "p"))
    document = worker.get("/openapi.json").json()
    alone = worker.ask(good, "/predict?explain=true").json()
    keep(alone, "Answer", document)
    keep(worker.ask({"rows": [good, {"size": "x"}]}).json(), "Reply", document)
    keep(worker.ask({"size": "x"}).json(), "Problem", document)
    path = f"/predictions/{alone['prediction_id']}"
    keep(worker.get(path).json(), "Prediction", document)
    keep(worker.get(f"{path}/explanation").json(), "Explained", document)
    value = alone["prediction"]
    outcome = {"outcomes": [{"prediction_id": alone["prediction_id"], "value": value}, {}]}
    keep(worker.ask(outcome, "/outcomes").json(), "OutcomeReply", document)
    with pytest.raises(jsonschema.ValidationError):
        keep({name: part for name, part in alone.items() if name != "prediction"}, "Answer", document)


def test_every_status_that_hostile_requests_get_is_told(server: Any, document: Any) -> None:
    told = document["paths"]["/predict"]["post"]["responses"]
    for one in HOSTILE:
        reply = ask(server.client, one)
        assert str(reply.status_code) in told, one.name
        assert reply.status_code == 200 or f"`{reply.json()['code']}`" in told[str(reply.status_code)]["description"]
    found = server.client.get(f"/predictions/{clock.uuid7()}")
    assert str(found.status_code) in document["paths"]["/predictions/{id}"]["get"]["responses"]


@pytest.mark.parametrize(
    ("column", "schema"),
    [
        (Column("a", "integer", required=True, hard=(0.0, float("inf"))), {"type": "integer", "minimum": 0.0}),
        (Column("a", "boolean", required=True), {"type": "boolean"}),
        (Column("a", "date"), {"type": ["string", "null"], "format": "date"}),
        (Column("a", "category", values=("x",), required=True), {"examples": ["x"]}),
        (Column("a", "number", unit="kg", required=True), {"description": "unit: kg"}),
    ],
)
def test_a_column_is_told(column: Column, schema: dict[str, Any]) -> None:
    assert schema.items() <= field_schema(column).items()


def test_a_row_that_the_rules_refuse_is_no_example(world: Any) -> None:
    """Rather none than one that is answered with 422."""
    contract: Contract = world.contract
    assert example(contract) is not None
    assert example(replace(contract, rules=(Rule("never", "size > 10000"),))) is None


def test_strict_projects_say_so(world: Any, local: Any, tmp_path: Any) -> None:
    worker = local(world.make_project(tmp_path / "p", serve='extra_fields = "reject"'))
    assert worker.get("/openapi.json").json()["components"]["schemas"]["Row"]["additionalProperties"] is False
