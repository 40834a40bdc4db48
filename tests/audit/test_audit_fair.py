"""No verdict that a reviewer of a right service would dispute; beside each, the control that is not right."""

import math
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from tests.audit.servers import fair, odd
from tests.audit.servers.fair import service

from trimtab.audit.client import Client, Throttled
from trimtab.audit.discover import Asked, discover
from trimtab.audit.probes import PROBES
from trimtab.audit.result import Result, State
from trimtab.audit.service import Declared, Service
from trimtab.audit.variation import ask_varied

CITY = {"city": {"type": "string", "examples": ["oslo"]}}
CITIES = {"city": {"enum": ["oslo", "quito"]}}
NUMBER = {"balance": {"type": "number"}}


@contextmanager
def found(talk: odd.Talk, patience: float = 5.0) -> Iterator[Service]:
    with odd.serve(talk) as url, Client(url, cap=400, patience=patience) as client:
        yield discover(client, Asked(), lambda _: None)


def run(service: Service, name: str) -> Result:
    return next(probe for probe in PROBES if probe.about.id == name).run(service)


@pytest.mark.parametrize(
    ("talk", "probe", "state"),
    [
        (service({"text": {"type": "string"}}, fair.open_text), "validation.category", State.PASS),
        (service({"text": {"type": "string"}}, fair.open_text), "unicode.injection", State.PASS),
        (service({"text": {"type": "string"}}, fair.open_text), "contract.constraints", State.NOT_APPLICABLE),
        (service(CITIES, fair.normalising), "validation.category", State.PASS),
        (service(CITY, fair.flagging), "validation.category", State.PASS),
        (service(CITY, fair.wordless), "validation.category", State.WARN),
        (service(CITIES, fair.wordless), "validation.category", State.FAIL),
        (service(NUMBER, fair.unbounded), "validation.range", State.WARN),
        (service({"balance": {"type": "number", "maximum": 10}}, fair.unbounded), "validation.range", State.FAIL),
        (service(NUMBER, fair.unbounded), "validation.type", State.WARN),  # true is no number; "22" is only told
        (service(NUMBER, fair.unbounded), "validation.missing", State.PASS),
        (
            service({"size": {"type": ["number", "null"]}}, fair.nullable, optional=("size",)),
            "validation.null",
            State.NOT_APPLICABLE,
        ),
        (service({"size": {"type": "number"}}, fair.nullable, optional=("size",)), "validation.null", State.WARN),
        (service({"size": {"type": "number"}}, fair.nullable), "validation.null", State.FAIL),
        (service({"size": {"type": "number"}}, fair.nullable, optional=("size",)), "validation.missing", State.PASS),
    ],
)
def test_a_verdict_is_fair(talk: odd.Talk, probe: str, state: State) -> None:
    with found(talk) as asked:
        result = run(asked, probe)
    assert result.state == state, result.said


def test_a_class_that_stays_the_same_is_no_constant_model() -> None:
    """A rare class may not show in a few rows; a probability that never moves is another matter."""
    limits = {"balance": {"type": "number", "minimum": 0, "maximum": 10}}
    with found(service(limits, lambda _: {"label": "no"})) as asked:
        assert run(asked, "behaviour.reacts").state == State.MANUAL
        assert run(asked, "behaviour.sensitivity").state == State.MANUAL
    with found(service(limits, lambda _: {"probability": 0.5})) as asked:
        assert run(asked, "behaviour.reacts").state == State.FAIL


def test_a_model_that_cannot_be_varied_is_left_to_a_person() -> None:
    with found(service(CITY, fair.wordless)) as asked:
        assert run(asked, "behaviour.reacts").state == State.MANUAL


@pytest.mark.parametrize("sums_to", [1.0, 0.7])
def test_probabilities_of_all_classes_sum_to_one(sums_to: float) -> None:
    def judge(row: dict[str, object]) -> object:
        first = fair.a_number(row, "balance") / 20
        return {
            "prediction": "a",
            "probabilities": {"a": first, "b": (sums_to - first) / 2, "c": (sums_to - first) / 2},
        }

    limits = {"balance": {"type": "number", "minimum": 0, "maximum": 10}}
    with found(service(limits, judge)) as asked:
        assert run(asked, "behaviour.reacts").state == (State.PASS if sums_to == 1 else State.FAIL)


def test_a_service_that_asks_to_slow_down_is_obeyed_and_judged_by_what_it_then_says() -> None:
    talk = service({"balance": {"type": "number", "minimum": 0, "maximum": 10}}, fair.unbounded)
    with found(fair.limited(talk)) as asked:
        assert run(asked, "validation.missing").state == State.PASS
        assert run(asked, "behaviour.deterministic").state == State.PASS
        assert run(asked, "security.rate_limit").state == State.PASS


def test_a_service_that_always_asks_to_slow_down_has_refused_nothing() -> None:
    def locked(row: dict[str, object]) -> object:
        return {"probability": fair.a_number(row, "balance") / 10}

    talk = service({"balance": {"type": "number"}}, locked)
    closed = False

    def closing(method: str, path: str, body: bytes, connection: socket.socket) -> None:
        if closed:
            odd.answer(connection, 429, b"{}", extra="retry-after: 0\r\n")
        else:
            talk(method, path, body, connection)

    with found(closing) as asked:
        closed = True
        with pytest.raises(Throttled, match="always answered 429"):
            run(asked, "validation.missing")
        assert run(asked, "performance.burst").state == State.ERROR


def test_no_answer_in_time_is_told_as_that() -> None:
    def dawdling(row: dict[str, object]) -> object:
        if row["balance"] is None:
            time.sleep(1.5)
        return {"probability": 0.5}

    with found(service(NUMBER, dawdling), patience=0.5) as asked:
        result = run(asked, "validation.null")
    assert (result.state, "timeout" in result.said) == (State.FAIL, True)


def test_rows_are_varied_within_what_is_declared_and_asked_once() -> None:
    limits = {"balance": {"type": "integer", "minimum": 3, "maximum": 9}, **CITIES}
    seen = []

    def judge(row: dict[str, object]) -> object:
        seen.append(row)
        return {"probability": fair.a_number(row, "balance") / 10}

    with found(service(limits, judge)) as asked:
        before = len(seen)
        varied = ask_varied(asked)
        sent = len(seen) - before
        assert ask_varied(asked) == varied
    assert len(seen) == before + sent
    assert all(3 <= int(str(row["balance"])) <= 9 for row in seen)
    assert {row["city"] for row in seen} == {"oslo", "quito"}
    assert {one.fields for one in varied} == {("balance",), ("city",), ("balance", "city")}


def test_a_row_is_answered_alike_alone_and_among_others() -> None:
    """The list of answers is found beside others of the same length, such as the shape of a tensor."""

    def apart(rows: list[dict[str, float]]) -> object:
        data = [row["size"] / 10 for row in rows]
        return {"outputs": [{"name": "predict", "shape": [len(rows), 1], "parameters": {"kind": "np"}, "data": data}]}

    def mixed(rows: list[dict[str, float]]) -> object:
        mean = sum(row["size"] for row in rows) / len(rows)
        return {"outputs": [{"name": "predict", "shape": [len(rows), 1], "data": [mean for _ in rows]}]}

    for judge, state in ((apart, State.PASS), (mixed, State.FAIL)):
        with found(fair.batched(judge)) as asked:
            result = run(asked, "behaviour.order")
            assert run(asked, "behaviour.reacts").state == State.PASS
        assert (result.state, "together" in result.said) == (state, True)


@pytest.mark.parametrize(("always", "state"), [(True, State.PASS), (False, State.FAIL)])
def test_a_word_of_sql_counts_only_where_plain_text_does_not_get_it_too(always: bool, state: State) -> None:
    def judge(row: dict[str, object]) -> object:
        text = fair.a_text(row, "city")
        if text not in {"oslo", "quito"}:
            raise ValueError("city (SQLSTATE)" if always or "'" in text else "city")
        return {"probability": 0.5}

    with found(service(CITIES, judge)) as asked:
        assert run(asked, "unicode.injection").state == state


@pytest.mark.parametrize(("header", "state"), [("X-Tenant", State.NOT_APPLICABLE), ("X-API-Key", State.FAIL)])
def test_a_header_is_a_key_only_where_it_is_called_so(header: str, state: State) -> None:
    with odd.serve(service(NUMBER, fair.unbounded)) as url, Client(url, cap=400, headers={header: "seven"}) as client:
        assert run(discover(client, Asked(), lambda _: None), "security.auth").state == state


@pytest.mark.parametrize(
    ("field", "least"),
    [
        ({"type": "number", "examples": [-40]}, -math.inf),
        ({"type": "integer", "examples": [-40]}, -math.inf),
        ({"type": "number", "exclusiveMinimum": 0}, 0),
        ({"type": "integer", "exclusiveMinimum": 0, "maximum": 3}, 0),
    ],
)
def test_a_direction_is_asked_upwards_and_within_exclusive_bounds(field: dict[str, object], least: float) -> None:
    def judge(row: dict[str, object]) -> object:
        if fair.a_number(row, "balance") <= least:
            raise ValueError("balance")
        return fair.unbounded(row)

    asked = Asked(declared=Declared(directions=(("balance", "up"),)))
    with odd.serve(service({"balance": field}, judge)) as url, Client(url, cap=400) as client:
        result = run(discover(client, asked, lambda _: None), "behaviour.direction")
    assert result.state == State.PASS, result.said


def test_a_direction_of_a_field_that_has_one_value_only_is_not_asked() -> None:
    asked = Asked(declared=Declared(directions=(("balance", "up"),)))
    one = {"balance": {"type": "number", "minimum": 2, "maximum": 2}}
    with odd.serve(service(one, fair.unbounded)) as url, Client(url, cap=400) as client:
        assert run(discover(client, asked, lambda _: None), "behaviour.direction").state == State.NOT_APPLICABLE


def test_a_direction_of_what_is_no_number_is_an_error_in_words() -> None:
    asked = Asked(declared=Declared(directions=(("city", "up"), ("cty", "up"))))
    with odd.serve(service(CITIES, fair.normalising)) as url, Client(url, cap=400) as client:
        result = run(discover(client, asked, lambda _: None), "behaviour.direction")
    assert (result.state, "'cty' is no numeric field" in result.said) == (State.ERROR, True)
