"""A new epoch is verified, loaded beside the old one, and swapped without a dropped request; a bad one never is."""

import asyncio
import threading
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.serve.test_serve_record import move_to_lake

from trimtab.errors import StoreError, VersionError
from trimtab.nouns import Trim
from trimtab.serve.live import Shelf, Watcher
from trimtab.serve.worker import Trial
from trimtab.store import open_blobs, open_catalog
from trimtab.store.segment import look_up


def flip_a_byte(home: Path) -> None:
    data = bytearray((home / "model.txt").read_bytes())
    data[len(data) // 2] ^= 1
    (home / "model.txt").write_bytes(bytes(data))


def test_a_swap_under_load_drops_nothing_and_mixes_nothing(
    world: Any, serving: Any, tmp_path: Any, good: dict[str, Any]
) -> None:
    """Each reply's version, epoch and probability belong together, in the log too; the old one stays near."""
    project = world.make_project(tmp_path / "p")
    server = serving(tmp_path / "p")
    seen: list[tuple[Any, ...]] = []
    ids: dict[int, str] = {}
    done = threading.Event()

    def load() -> None:
        while not done.wait(0.002):
            reply = server.ask({"rows": [good] * 3})
            body = reply.json()
            ids[body["epoch"]] = body["results"][0]["prediction_id"]
            seen.append(
                (reply.status_code, body["version"], body["epoch"], *{one["probability"] for one in body["results"]})
            )

    thread = threading.Thread(target=load)
    thread.start()
    world.promote(project, "second")
    try:
        server.wait_for(lambda: bool(seen) and seen[-1][2] == 2, seconds=6)
    finally:
        done.set()
        thread.join()
    assert {one[:3] for one in seen} == {(200, "v1", 1), (200, "v2", 2)}
    assert len({one[3] for one in seen if one[2] == 1}) == len({one[3] for one in seen if one[2] == 2}) == 1
    assert all(len(one) == 4 for one in seen)
    model = server.client.get("/model").json()
    assert (model["version"], model["previous"]) == ("v2", "v1")
    records = [server.client.get(f"/predictions/{ids[epoch]}").json() for epoch in (1, 2)]
    assert [(one["version"], one["epoch"]) for one in records] == [(world.ids["first"], 1), (world.ids["second"], 2)]


def test_a_worker_that_starts_with_a_bad_champion_serves_the_one_before(
    world: Any, local: Any, tmp_path: Any, good: dict[str, Any]
) -> None:
    project = world.make_project(tmp_path / "p")
    world.promote(project, "second", spoil=flip_a_byte)
    worker = local(project)
    assert worker.ask(good).json()["version"] == "v1"
    assert worker.get("/readyz").json()["status"] == "degraded"


def test_a_version_that_fails_its_golden_rows_is_not_opened(world: Any, tmp_path: Any) -> None:
    project = world.make_project(tmp_path / "p")
    with closing(open_catalog(project)) as catalog:
        shelf = Shelf(catalog, open_blobs(project), lambda _: "golden row 3 is answered otherwise")
        with pytest.raises(VersionError, match="golden row 3"):
            shelf.open("champion", Trim(1, ()))
        assert shelf.open_first()[0] is None


def test_golden_rows_are_tried_ahead_once(world: Any, tmp_path: Any) -> None:
    """What went wrong in the thread is raised where the result is asked for; a second question is asked anew."""
    project = world.make_project(tmp_path / "p")
    trial = Trial(open_blobs(project).path)
    for identifier in (world.ids["first"], "0" * 12):
        trial.begin(identifier)
    assert trial(world.ids["first"]) == ""
    for _ in range(2):
        with pytest.raises(StoreError):
            trial("0" * 12)


def test_the_newest_version_is_tried_before_it_is_promoted(world: Any, local: Any, tmp_path: Any) -> None:
    """Once, and not at all where it is in memory."""
    project, begun = world.make_project(tmp_path / "p"), list[str]()
    worker = local(project)
    with closing(asyncio.new_event_loop()) as loop:
        watcher = Watcher(worker.desk, replace(worker.shelf, begin_trial=begun.append), loop)
        watcher.look()
        assert begun == []
        with closing(open_catalog(project)) as catalog:
            catalog.add_version(world.describe("second"))
        watcher.look()
        watcher.look()
    assert begun == [world.ids["second"]]


def test_a_version_that_was_there_at_the_start_is_not_tried_again(world: Any, local: Any, tmp_path: Any) -> None:
    """It was judged before, and a worker that starts has other things to do."""
    project, begun = world.make_project(tmp_path / "p"), list[str]()
    worker = local(project)
    with closing(asyncio.new_event_loop()) as loop, closing(open_catalog(project)) as catalog:
        catalog.add_version(world.describe("second"))
        watcher = Watcher(worker.desk, replace(worker.shelf, begin_trial=begun.append), loop)
        watcher.look()
        watcher.look()
    assert begun == []


def test_a_version_in_memory_is_not_opened_again(world: Any, local: Any, tmp_path: Any) -> None:
    """A roll-back is instant: the previous one is still there, and is not read from disk."""
    project = world.make_project(tmp_path / "p")
    worker = local(project)
    first = worker.desk.live.model
    world.promote(project, "second")
    second = worker.shelf.open_trim(worker.shelf.catalog.trim(), worker.desk.live)
    world.promote(project, "first", spoil=flip_a_byte)
    back = worker.shelf.open_trim(worker.shelf.catalog.trim(), second)
    assert (second.previous, back.model, back.previous, back.epoch) == (first, first, second.model, 3)


def test_a_waiting_worker_takes_the_first_promotion_and_no_altered_version(
    world: Any, serving: Any, tmp_path: Any, good: dict[str, Any]
) -> None:
    """And a second one that was altered never answers: the first goes on, readiness says degraded, it is told once."""
    project = world.make_project(tmp_path / "p", promoted=None)
    server = serving(tmp_path / "p")
    assert "nothing is promoted" in server.ready
    reply = server.ask(good)
    assert (reply.status_code, reply.json()["code"], "retry-after" in reply.headers) == (503, "no_model", True)
    assert [server.client.get(path).status_code for path in ("/livez", "/readyz", "/model")] == [200, 503, 503]
    assert "size" in server.client.get("/openapi.json").text
    world.promote(project, "first")
    server.wait_for(lambda: server.ask(good).status_code == 200)
    assert server.client.get("/readyz").json()["status"] == "ready"
    world.promote(project, "second", spoil=flip_a_byte)
    server.wait_for(lambda: server.client.get("/readyz").json()["status"] == "degraded")
    reply = server.ask(good).json()
    assert (reply["version"], reply["epoch"]) == ("v1", 1)
    server.wait_for(lambda: 'trimtab_load_failures_total{worker="w0"} 2' in server.client.get("/metrics").text)
    code, errors = server.stop()
    assert code == 0
    assert errors.count('"what":"version"') == 1


def test_a_worker_whose_only_version_is_altered_says_so_and_answers_once_it_is_healed(
    world: Any, serving: Any, tmp_path: Any, good: dict[str, Any]
) -> None:
    """Promoted but not loadable is another trouble than nothing promoted, and it ends without a restart."""
    project = world.make_project(tmp_path / "p", promoted=None)
    world.promote(project, "first", spoil=flip_a_byte)
    server = serving(tmp_path / "p")
    assert "the Version that is promoted does not load" in server.ready
    assert f"trimtab train {tmp_path / 'p'}" in server.ready
    reply = server.ask(good)
    assert (reply.status_code, reply.json()["code"], "retry-after" in reply.headers) == (503, "not_loaded", True)
    assert "trimtab train" in reply.json()["detail"]
    assert server.client.get("/readyz").json()["code"] == "not_loaded"
    health = server.client.get("/healthz").json()
    assert (health["status"], "does not load" in health["reasons"][0]) == ("not_loaded", True)
    world.keep(project, "first")
    server.wait_for(lambda: server.ask(good).status_code == 200)
    assert server.client.get("/readyz").json()["status"] == "ready"


def test_a_catalog_that_is_gone_stops_no_answer(world: Any, local: Any, tmp_path: Any, good: dict[str, Any]) -> None:
    worker = local(world.make_project(tmp_path / "p"))
    with closing(asyncio.new_event_loop()) as loop:
        watcher = Watcher(worker.desk, worker.shelf, loop)
    catalog = tmp_path / "p/.trimtab/catalog.db"
    kept = catalog.read_bytes()
    catalog.write_bytes(b"no database at all" * 1000)
    watcher.look()
    assert worker.get("/readyz").json()["status"] == "degraded"
    assert worker.ask(good).json()["logged"] == "durable"
    catalog.write_bytes(kept)
    watcher.look()
    assert worker.get("/readyz").json()["status"] == "ready"


def test_a_lake_that_is_gone_stops_no_answer(world: Any, local: Any, tmp_path: Any, good: dict[str, Any]) -> None:
    """Answers go on and are kept in the spool; only a Prediction that is in the lake alone cannot be shown."""
    project = world.make_project(tmp_path / "p")
    worker = local(project)
    moved = worker.ask(good).json()["prediction_id"]
    move_to_lake(project)
    log = tmp_path / "p/.trimtab/lake/predictions/_delta_log"
    for commit in log.glob("*.json"):
        commit.write_bytes(b"no commit at all")
    fresh = worker.ask(good).json()
    assert fresh["logged"] == "durable"
    assert worker.get(f"/predictions/{fresh['prediction_id']}").status_code == 200
    reply = worker.get(f"/predictions/{moved}")
    assert (reply.status_code, reply.json()["code"]) == (503, "lookup_failed")


def test_an_open_spool_file_is_what_find_reads(server: Any, good: dict[str, Any]) -> None:
    """Durable means committed: another process sees the record at once, through SQLite alone."""
    identifier = server.ask(good).json()["prediction_id"]
    (path,) = (server.folder / ".trimtab/spool/w0").glob("*.open")
    assert look_up(path, "prediction", identifier) is not None
