"""Whose request it is: taken from the caller where it is well formed, else made, logged, and sent back."""

import json
from typing import Any

import pytest

from trimtab.serve.meters import merge
from trimtab.serve.trace import read_trace

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
GOOD = f"00-{TRACE}-{SPAN}-01"


@pytest.mark.parametrize("value", [GOOD, f"00-{TRACE}-{SPAN}-ff", f"cc-{TRACE}-{SPAN}-01-what-comes-later"])
def test_a_callers_trace_goes_on(value: str) -> None:
    trace = read_trace([(b"traceparent", value.encode())])
    assert (trace.trace_id, trace.parent_id, trace.flags) == (TRACE, SPAN, "01")
    assert trace.span_id != SPAN
    assert trace.headers()[1] == (b"traceparent", f"00-{TRACE}-{trace.span_id}-01".encode())


@pytest.mark.parametrize(
    "value",
    [
        "",
        "00",
        GOOD.upper(),
        GOOD + "-more",
        "ff" + GOOD[2:],
        f"00-{'0' * 32}-{SPAN}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        GOOD.replace("-", "_"),
        GOOD + "\n",
        "\u00ff" * 55,
    ],
)
def test_what_is_no_traceparent_starts_a_new_trace(value: str) -> None:
    one, other = (read_trace([(b"traceparent", value.encode("latin-1"))]) for _ in range(2))
    assert TRACE not in {one.trace_id, other.trace_id}
    assert one.trace_id != other.trace_id
    assert (len(one.trace_id), len(one.span_id), one.parent_id) == (32, 16, "")


@pytest.mark.parametrize(("value", "taken"), [("order-7/a", True), ("", False), ("a b", False), ("x" * 129, False)])
def test_a_request_id_is_the_callers_or_the_trace_id(value: str, taken: bool) -> None:
    trace = read_trace([(b"x-request-id", value.encode())])
    assert trace.request_id == (value if taken else trace.trace_id)


def test_every_answer_and_every_line_about_a_failed_request_names_it(
    world: Any, serving: Any, tmp_path: Any, good: dict[str, Any]
) -> None:
    world.make_project(tmp_path / "p")
    server = serving(tmp_path / "p")
    given = {"traceparent": GOOD, "x-request-id": "mine"}
    fine = server.client.post("/predict", json=good)
    bad = server.client.post("/predict", json={"canary": "canary"}, headers=given)
    lost = server.client.get("/canary", headers=given)
    assert len(fine.headers["x-request-id"]) == 32
    assert {reply.headers["x-request-id"] for reply in (bad, lost)} == {"mine"}
    _, errors = server.stop()
    lines = [json.loads(line) for line in errors.splitlines()]
    assert [one["problem"] for one in lines if one["event"] == "request"] == ["invalid_row", "not_found"]
    for reply, line in zip((bad, lost), (one for one in lines if one["event"] == "request"), strict=True):
        assert reply.headers["traceparent"] == f"00-{TRACE}-{line['span_id']}-01"
        assert (line["request_id"], line["trace_id"], line["parent_id"]) == ("mine", TRACE, SPAN)
        assert line["worker"] == "w0"
    assert "canary" not in errors


def test_nobody_waits_for_a_reader_of_the_log(world: Any, serving: Any, tmp_path: Any) -> None:
    """A thousand lines into a pipe that nobody reads: every request is answered; later a line says what is missing."""
    world.make_project(tmp_path / "p")
    server = serving(tmp_path / "p")
    assert {server.ask({"size": None}).status_code for _ in range(1000)} == {422}
    _, errors = server.stop()
    assert 10 < len(errors.splitlines()) < 1000
    assert errors.endswith("\n")


@pytest.mark.parametrize(("wanted", "count"), [("none", 0), ("failed", 1), ("all", 2)])
def test_a_project_says_which_requests_get_a_line(
    world: Any, local: Any, tmp_path: Any, good: dict[str, Any], capsys: Any, wanted: str, count: int
) -> None:
    worker = local(world.make_project(tmp_path / "p", serve=f'access_log = "{wanted}"'))
    worker.ask(good)
    worker.ask({})
    assert capsys.readouterr().err.count('"event":"request"') == count


def test_pages_of_several_workers_become_one_with_each_head_once() -> None:
    page = '# HELP a What it is.\n# TYPE a counter\na_total 1.0\na_total{x="1 } 2"} 2.5\n'
    assert merge({"w1": page, "w0": page}).splitlines() == [
        "# HELP a What it is.",
        "# TYPE a counter",
        'a_total{worker="w0"} 1.0',
        'a_total{x="1 } 2",worker="w0"} 2.5',
        'a_total{worker="w1"} 1.0',
        'a_total{x="1 } 2",worker="w1"} 2.5',
    ]
