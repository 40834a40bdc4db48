"""Every answer can be found again: in the spool, and when the loop has moved it, in the lake."""

import resource
from datetime import UTC, datetime
from typing import Any

import msgspec
import polars as pl
import pytest

from trimtab import clock
from trimtab.store import open_index, open_lake
from trimtab.store.record import OutcomeRecord, PredictionRecord, features_text
from trimtab.store.spool import ask_to_seal, segments
from trimtab.store.tables import known_schema


def test_the_log_holds_what_was_sent_and_what_was_made_of_it(server: Any, good: dict[str, Any]) -> None:
    sent = {**good, "Größe (cm)": "181.5", "plan/type": " A ", "extra": [1]}
    reply = server.ask(sent).json()
    record = server.client.get(f"/predictions/{reply['prediction_id']}").json()
    assert record["raw"] == sent
    assert record["features"] == {**good, "asked_at": "2026-02-01T12:00:00.000000Z"}
    assert record["output"] == {"prediction": reply["prediction"], "probability": reply["probability"]}
    assert record["warnings"] == reply["warnings"] == ["repaired:Größe (cm)", "ignored:extra"]
    assert record["event_at"] == "2026-02-01T12:00:00.000000Z"
    assert record["key"] == '{"customer":"c1"}'
    assert set(record["latency_us"]) == {"decode", "check", "encode", "model"}


def test_a_row_without_a_time_happened_when_it_came(server: Any, good: dict[str, Any]) -> None:
    del good["asked_at"]
    record = server.client.get(f"/predictions/{server.ask(good).json()['prediction_id']}").json()
    assert record["event_at"] == record["arrived_at"]


def test_the_clients_id_is_kept(server: Any, good: dict[str, Any]) -> None:
    identifier = server.ask({"rows": [good], "ids": ["my-7"]}).json()["results"][0]["prediction_id"]
    assert server.client.get(f"/predictions/{identifier}").json()["client_id"] == "my-7"


def test_an_unknown_prediction_is_not_found(server: Any) -> None:
    assert server.client.get(f"/predictions/{clock.uuid7()}").status_code == 404


def test_a_forwarded_prediction_is_found_in_the_lake(
    world: Any, local: Any, tmp_path: Any, good: dict[str, Any]
) -> None:
    """The worker asks a child process, and shows the same record as before it was moved."""
    project = world.make_project(tmp_path / "p")
    worker = local(project)
    identifier = worker.ask(good).json()["prediction_id"]
    before = worker.get(f"/predictions/{identifier}").json()
    move_to_lake(project)
    assert not list((tmp_path / "p/.trimtab/spool/w0").glob("*.segment"))
    assert worker.get(f"/predictions/{identifier}").json() == before


def move_to_lake(project: Any) -> None:
    """Forward as the loop does."""
    ask_to_seal(project.state / "spool", 5)
    (segment,) = segments(project.state / "spool")
    records = [msgspec.json.decode(body) for _, _, body in segment.records()]
    times = [pl.col(name).str.to_datetime(time_unit="us", time_zone="UTC") for name in ("_event_at", "_arrived_at")]
    open_lake(project).append("predictions", pl.DataFrame(records, infer_schema_length=None).with_columns(times))
    index = open_index(project)
    index.add([record["id"] for record in records])
    index.close()
    segment.drop()


def test_best_effort_answers_without_a_log(world: Any, local: Any, tmp_path: Any, good: dict[str, Any]) -> None:
    """The spool is closed, so nothing can be kept; an outcome is refused all the same."""
    worker = local(world.make_project(tmp_path / "p", serve='log = "best_effort"'))
    worker.desk.spool.close()
    assert worker.ask(good).json()["logged"] == "none"
    assert worker.ask({"rows": [good]}).json()["logged"] == "none"
    assert worker.ask({"key": {"customer": "c"}, "value": "yes"}, "/outcomes").status_code == 507
    assert 'trimtab_unlogged_total{worker="w0"} 2.0' in worker.get("/metrics").text


@pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="the limit of another process can be set on Linux only")
def test_a_full_disk_refuses_and_room_heals(world: Any, serving: Any, tmp_path: Any, good: dict[str, Any]) -> None:
    """The running worker may suddenly write no file beyond one byte."""
    world.make_project(tmp_path / "p")
    server = serving(tmp_path / "p")
    kept = server.ask(good).json()["prediction_id"]
    free = resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (1, resource.RLIM_INFINITY))
    reply = server.ask(good)
    assert (reply.status_code, reply.json()["code"], "retry-after" in reply.headers) == (507, "cannot_log", True)
    assert server.ask({"key": {"customer": "c"}, "value": "yes"}, "/outcomes").status_code == 507
    assert server.client.get("/readyz").json()["status"] == "degraded"
    resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, free)
    assert server.ask(good).json()["logged"] == "durable"
    assert server.client.get("/readyz").json()["status"] == "ready"
    assert server.client.get(f"/predictions/{kept}").status_code == 200


@pytest.mark.parametrize(("record", "table"), [(PredictionRecord, "predictions"), (OutcomeRecord, "outcomes")])
def test_a_record_has_the_fields_of_its_table(record: type[msgspec.Struct], table: str) -> None:
    fields = {field.encode_name for field in msgspec.structs.fields(record)}
    assert fields == set(known_schema(table))


def test_features_keep_every_bit() -> None:
    values = [0.1 + 0.2, -0.0, 2**62, None, datetime(2026, 1, 1, 0, 0, 0, 7, tzinfo=UTC)]
    text = features_text(tuple("abcdf"), values)
    assert (
        text == '{"a":0.30000000000000004,"b":-0.0,"c":4611686018427387904,"d":null,"f":"2026-01-01T00:00:00.000007Z"}'
    )
