"""From a URL alone: the document, the route, the shape, and a request that is answered."""

import json
import socket
import time
from collections.abc import Callable
from typing import Any

import pytest
from tests.audit.servers import odd

from trimtab.audit.client import CapReached, Client
from trimtab.audit.discover import Asked, discover
from trimtab.audit.probes.contract_method import WrongMethod
from trimtab.audit.result import State
from trimtab.audit.service import Service
from trimtab.errors import HostError, UsageError

NUMBER = {"type": "number"}
ROW = {"type": "object", "required": ["a"], "properties": {"a": NUMBER, "b": NUMBER, "c": {"type": "string"}}}


def document(paths: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Return a document whose POST routes take these schemas."""
    posts = {
        path: {
            "post": {
                "requestBody": {"content": {"application/json": {"schema": schema}}},
                "responses": {"200": {"description": "an answer"}},
            }
        }
        for path, schema in paths.items()
    }
    return {"openapi": "3.0.3", "info": {"title": "t", "version": "1"}, "paths": posts, **more}


def service_of(
    routes: dict[str, Callable[[Any], Any]], gets: dict[str, Any], seen: list[str] | None = None
) -> odd.Talk:
    """Return a server: GET routes with their answers, POST routes with a function that may return (status, answer)."""

    def talk(method: str, path: str, body: bytes, connection: socket.socket) -> None:
        if seen is not None:
            seen.append(f"{method} {path}")
        if method == "GET" and path in gets:
            answer = gets[path]
            if isinstance(answer, bytes):
                odd.answer(connection, 200, answer, "text/plain")
            else:
                odd.answer_json(connection, 200, answer)
        elif method == "POST" and path in routes:
            answer = routes[path](json.loads(body))
            odd.answer_json(connection, *(answer if isinstance(answer, tuple) else (200, answer)))
        else:
            odd.answer_json(connection, 404, {"detail": "no such route"})

    return talk


def found(talk: odd.Talk, **asked: Any) -> Service:
    with odd.serve(talk) as url, Client(url, cap=60, patience=2) as client:
        return discover(client, Asked(**asked), lambda line: None)


def one(value: Any) -> Any:
    """Answer anything."""
    return {"prediction": 1}


@pytest.mark.parametrize("place", ["/openapi.json", "/docs.json", "/api/openapi.json", "/v2/docs/dataplane.json"])
def test_the_document_is_found_at_the_usual_places(place: str) -> None:
    service = found(service_of({"/predict": one}, {place: document({"/predict": ROW})}))
    assert service.openapi_path.endswith(place)
    assert service.path.endswith("/predict")


def test_the_document_is_found_through_its_page() -> None:
    page = b'<script>SwaggerUIBundle({ url: "/deep/spec.json" })</script>'
    gets = {"/docs": page, "/deep/spec.json": document({"/predict": ROW})}
    assert found(service_of({"/predict": one}, gets)).openapi_path.endswith("/deep/spec.json")


def test_the_route_that_predicts_is_chosen_and_no_other_is_called() -> None:
    seen: list[str] = []
    paths = dict.fromkeys(("/login", "/predict/feedback", "/train/predict", "/v1/predict", "/v1/predict/batch"), ROW)
    service = found(service_of(dict.fromkeys(paths, one), {"/openapi.json": document(paths)}, seen))
    assert service.path.endswith("/v1/predict")
    assert [line for line in seen if line.startswith("POST")] == ["POST /v1/predict"]


def test_where_two_routes_are_alike_the_user_is_asked() -> None:
    paths = {"/a/predict": ROW, "/b/predict": ROW}
    talk = service_of(dict.fromkeys(paths, one), {"/openapi.json": document(paths)})
    with pytest.raises(UsageError, match="/a/predict"):
        found(talk)
    assert found(talk, route="/b/predict").path.endswith("/b/predict")


def test_the_first_server_of_the_document_leads_the_way() -> None:
    talk = service_of(
        {"/prefix/predict": one}, {"/openapi.json": document({"/predict": ROW}, servers=[{"url": "/prefix"}])}
    )
    assert found(talk).path.endswith("/prefix/predict")


def test_fields_of_many_rows_are_read_from_the_alternative_that_has_them() -> None:
    rows = {"type": "object", "properties": {"rows": {"type": "array", "items": ROW}}}
    talk = service_of({"/predict": one}, {"/openapi.json": document({"/predict": {"anyOf": [ROW, rows]}})})
    service = found(talk, example={"rows": [{"a": 1.0, "b": 2.0, "c": "x"}]})
    assert service.shape.kind == "rows"
    assert service.field("a").required
    assert service.field("c").declared


def test_a_document_that_has_moved_is_read_from_where_it_is() -> None:
    described = document({"/predict": ROW}, servers=[{"url": "."}])
    behave = service_of({"/api/predict": one}, {"/api/openapi.json": described})

    def talk(method: str, path: str, body: bytes, connection: socket.socket) -> None:
        if path == "/openapi.json":
            odd.answer(connection, 308, extra="location: /api/openapi.json\r\n")
        else:
            behave(method, path, body, connection)

    assert found(talk).openapi_path.endswith("/api/openapi.json")


def test_a_redirect_on_the_same_host_is_followed_with_its_body() -> None:
    def talk(method: str, path: str, body: bytes, connection: socket.socket) -> None:
        if path == "/predict":
            odd.answer(connection, 307, extra="location: /predict/\r\n")
        else:
            service_of({"/predict/": one}, {"/openapi.json": document({"/predict": ROW})})(
                method, path, body, connection
            )

    service = found(talk)
    assert service.first.accepted
    assert service.path.endswith("/predict/"), "every later request would take two"
    assert service.route == "/predict"


def test_a_declared_get_of_the_predict_route_is_no_wrong_method() -> None:
    described = document({"/predict": ROW})
    described["paths"]["/predict"]["get"] = {"responses": {"200": {"description": "how to ask"}}}
    talk = service_of({"/predict": one}, {"/openapi.json": described, "/predict": {"how": "POST"}})
    with odd.serve(talk) as url, Client(url, cap=60) as client:
        assert WrongMethod().run(discover(client, Asked(), lambda line: None)).state == State.NOT_APPLICABLE


def test_fields_are_read_through_references_and_alternatives() -> None:
    schemas = {
        "Base": {"type": "object", "required": ["age"], "properties": {"age": {"type": "integer", "minimum": 0}}},
        "Row": {
            "allOf": [
                {"$ref": "#/components/schemas/Base"},
                {
                    "properties": {
                        "kind": {"anyOf": [{"enum": ["x", "y"]}, {"type": "null"}]},
                        "old": {"type": "string", "nullable": True},
                        "day": {"type": ["string", "null"], "format": "date"},
                    }
                },
            ]
        },
    }
    body = {
        "type": "object",
        "properties": {"instances": {"type": "array", "items": {"$ref": "#/components/schemas/Row"}}},
    }
    talk = service_of(
        {"/predict": one}, {"/openapi.json": document({"/predict": body}, components={"schemas": schemas})}
    )
    service = found(talk)
    fields = {field.name: field for field in service.fields}
    assert service.shape.kind == "rows"
    assert service.seed == {"instances": [{"age": 35, "kind": "x", "old": "a", "day": "2024-06-15"}]}
    assert (fields["age"].kind, fields["age"].required, fields["age"].minimum) == ("integer", True, 0)
    assert fields["kind"].enum == ("x", "y")
    assert all(fields[name].nullable for name in ("kind", "old", "day"))
    assert not fields["age"].nullable


def complaining(value: Any) -> Any:
    """Complain like FastAPI, one mistake at a time."""
    if "extra" in value:
        return 422, {
            "detail": [{"type": "extra_forbidden", "loc": ["body", "extra"], "msg": "Extra inputs are not permitted"}]
        }
    if not isinstance(value.get("size"), int) or value["size"] < 40:
        return 422, {"detail": [{"loc": ["body", "size"], "msg": "Input should be greater than or equal to 40"}]}
    if value.get("kind") not in {"red", "blue"}:
        return 422, {
            "detail": [
                {
                    "loc": ["body", "kind"],
                    "msg": "Input should be 'red' or 'blue'",
                    "ctx": {"expected": "'red' or 'blue'"},
                }
            ]
        }
    if "hour" not in value:
        return 422, {"detail": [{"type": "missing", "loc": ["body", "hour"], "msg": "Field required"}]}
    return {"prediction": 1}


def test_a_request_is_mended_from_what_the_service_says() -> None:
    schema = {
        "type": "object",
        "properties": {"size": {"type": "integer"}, "kind": {"type": "string"}, "extra": {"type": "string"}},
    }
    seen: list[str] = []
    service = found(service_of({"/predict": complaining}, {"/openapi.json": document({"/predict": schema})}, seen))
    assert service.seed == {"size": 40, "kind": "red", "hour": 12}
    assert service.seed_from == "repair"
    assert seen.count("POST /predict") <= 6


@pytest.mark.parametrize(
    ("detail", "seed"),
    [
        ({"error": "X has 4 features, but LinearRegression is expecting 7 features as input"}, [1.0] * 7),
        ({"message": "expected 2 values"}, [1.0] * 2),
    ],
)
def test_a_list_gets_the_length_that_the_service_asks_for(detail: Any, seed: list[float]) -> None:
    body = {"type": "object", "properties": {"features": {"type": "array", "items": NUMBER}}}

    def model(value: Any) -> Any:
        return {"prediction": 1} if len(value["features"]) == len(seed) else (400, detail)

    service = found(service_of({"/predict": model}, {"/openapi.json": document({"/predict": body})}))
    assert service.seed == {"features": seed}


def test_a_service_that_complains_for_ever_is_asked_at_most_six_times() -> None:
    count = [0]

    def never(value: Any) -> Any:
        count[0] += 1
        return 422, {"detail": [{"loc": ["body", "a"], "msg": f"Input should be greater than {count[0]}"}]}

    with pytest.raises(UsageError, match="refuses every request") as caught:
        found(service_of({"/predict": never}, {"/openapi.json": document({"/predict": ROW})}))
    assert count[0] == 6
    assert "--example" in caught.value.hint


def test_an_example_of_the_user_is_sent_as_it_is_and_never_mended() -> None:
    talk = service_of({"/predict": complaining}, {"/openapi.json": document({"/predict": ROW})})
    with pytest.raises(UsageError, match="refuses the example"):
        found(talk, example={"size": 1})
    assert found(talk, example={"size": 50, "kind": "blue", "hour": 1}).seed_from == "example"


def test_without_a_document_a_url_and_an_example_are_enough() -> None:
    talk = service_of({"/anything": one}, {})
    with odd.serve(talk) as url, Client(url, cap=60, patience=2) as client:
        asked = Asked(predict_url=f"{url}/anything", example={"data": {"x": 1.5, "k": "a"}})
        service = discover(client, asked, lambda line: None)
        assert service.spliced("x", "NaN") == b'{"data":{"x":NaN,"k":"a"}}'
        assert service.without("x") == {"data": {"k": "a"}}
    assert [(field.name, field.kind, field.declared) for field in service.fields] == [
        ("x", "number", False),
        ("k", "string", False),
    ]


def test_free_dictionaries_need_an_example() -> None:
    talk = service_of({"/predict": one}, {"/openapi.json": document({"/predict": {"type": "object"}})})
    with pytest.raises(UsageError, match="does not say what") as caught:
        found(talk)
    assert "--example" in caught.value.hint


def test_a_model_server_tells_its_tensors() -> None:
    metadata = {"name": "m", "inputs": [{"name": "x", "datatype": "FP32", "shape": [-1, 3]}]}
    template = document({"/v2/models/{model_name}/infer": {"type": "object"}})
    template["paths"]["/v2/health/ready"] = {"get": {"responses": {"200": {}}}}
    gets = {"/v2/docs/dataplane.json": template, "/v2/models/m": metadata}
    service = found(service_of({"/v2/models/m/infer": one}, gets), route="/v2/models/m/infer")
    assert service.seed == {"inputs": [{"name": "x", "shape": [1, 3], "datatype": "FP32", "data": [1.0, 1.0, 1.0]}]}
    assert service.framework == "MLServer"


def test_mlflow_is_recognised_without_a_document() -> None:
    gets = {"/ping": b"\n", "/version": b"3.18.0"}
    example = {"dataframe_split": {"columns": ["a", "b"], "data": [[1.0, 2.0]]}}
    service = found(service_of({"/invocations": lambda value: {"predictions": [1.0]}}, gets), example=example)
    assert service.framework == "MLflow"
    assert service.row() == {"a": 1.0, "b": 2.0}


def test_an_error_names_a_field_only_where_it_does_not_repeat_the_input() -> None:
    service = found(service_of({"/predict": one}, {"/openapi.json": document({"/predict": ROW})}))

    def says(value: Any) -> bool:
        with odd.serve(service_of({"/predict": lambda body: (422, value)}, {})) as url, Client(url, cap=2) as client:
            return service.names_field(client.send("POST", "/predict", body=b"{}"), "a")

    assert says({"detail": [{"loc": ["body", "a"]}]})
    assert says("field a is bad")
    assert not says({"detail": "bad", "input": {"a": 1}})
    assert not says({"detail": "a_b is bad, data"})


def test_no_more_requests_are_sent_than_allowed() -> None:
    seen: list[str] = []
    with odd.serve(service_of({}, {"/": 1}, seen)) as url, Client(url, cap=3) as client:
        for _ in range(3):
            client.send("GET", "/")
        with pytest.raises(CapReached):
            client.send("GET", "/")
    assert len(seen) == 3


@pytest.mark.parametrize(
    "asked",
    [
        {"openapi": "http://192.0.2.1/openapi.json"},
        {"openapi": "openapi.json"},
        {"predict_url": "http://192.0.2.1/predict", "example": {"a": 1}},
        {"predict_url": "http://[::1/predict", "example": {"a": 1}},
        {"predict_url": "predict", "example": {"a": 1}},
        {"route": "predict", "example": {"a": 1}},
        {"predict_url": "/predict", "example": {"a": "x" * 3_000_000}},
    ],
)
def test_a_mistake_in_what_was_asked_is_told_before_it_is_sent(asked: dict[str, Any]) -> None:
    seen: list[str] = []
    with pytest.raises(UsageError) as caught:
        found(service_of({"/predict": one}, {}, seen), **asked)
    assert caught.value.hint
    assert "POST /predict" not in seen


def test_hops_of_a_redirect_and_the_get_after_failures_are_counted() -> None:
    seen: list[str] = []

    def talk(method: str, path: str, body: bytes, connection: socket.socket) -> None:
        seen.append(path)
        if path != "/dead":
            odd.answer(connection, 307, extra=f"location: {path}x\r\n")

    with odd.serve(talk) as url, Client(url, cap=13) as client:
        client.send("GET", "/")
        assert (client.sent, len(seen)) == (4, 4)
        for _ in range(5):
            client.send("GET", "/dead", body=b"")
        assert client.sent == len(seen) == 13
        assert not client.gone, "what redirects in circles is there"
        with pytest.raises(CapReached):
            client.send("GET", "/")
    assert len(seen) == 13


def test_hops_of_a_redirect_are_paced_and_the_pauses_are_no_time_of_the_service() -> None:
    with odd.serve(odd.circling) as url, Client(url, cap=9, pace=0.3) as client:
        begin = time.monotonic()
        reply = client.send("GET", "/")
        took = time.monotonic() - begin
    assert reply.seconds < 0.9 <= took


def test_a_hop_that_is_beyond_the_cap_is_not_made() -> None:
    with odd.serve(odd.circling) as url, Client(url, cap=2) as client:
        with pytest.raises(CapReached):
            client.send("GET", "/")
        assert client.sent == 2


def test_a_key_is_sent_but_not_to_where_it_is_not_wanted() -> None:
    heads: list[str] = []

    def talk(method: str, path: str, body: bytes, connection: socket.socket) -> None:
        odd.answer_json(connection, 200, 1)

    with odd.serve(talk) as url, Client(url, cap=3, headers={"X-Key": "k3y"}) as client:
        heads += [
            str(client.send("GET", "/").exchange.headers),
            str(client.send("GET", "/", anonymous=True).exchange.headers),
        ]
        secure = Client(url.replace("http:", "https:"), cap=1, headers={"X-Key": "k3y"})
        heads.append(str(secure.send("GET", f"{url}/").exchange.headers))
        secure.close()
    assert "k3y" in heads[0]
    assert "k3y" not in heads[1]
    assert "k3y" not in heads[2], "the same host, but in the open"


def test_nobody_there() -> None:
    with odd.serve(odd.plain) as url:
        pass
    with Client(url, cap=3) as client, pytest.raises(HostError, match="cannot be reached"):
        discover(client, Asked(), lambda line: None)
