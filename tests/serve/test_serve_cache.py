"""A start without the store: the last good Trim answers from the cache, degraded, until the store is back."""

import json
from pathlib import Path
from typing import Any

import pytest

from trimtab.errors import StoreError
from trimtab.nouns import Member
from trimtab.serve.cache import Cache
from trimtab.serve.live import Shelf
from trimtab.serve.worker import run


def start_once(server: Any, folder: Path) -> None:
    """Let a worker keep what it serves, and stop it."""
    server.wait_for((folder / ".trimtab/cache/live.json").exists)
    server.stop()


def test_a_worker_starts_without_the_catalog_and_finds_it_again(
    world: Any, serving: Any, tmp_path: Path, good: dict[str, Any]
) -> None:
    """A Trim of two Versions: the same bits from the cache; the spool goes on; then the next epoch is followed."""
    project = world.make_project(tmp_path / "p")
    world.share(project, Member("first", 0.6, (1.1, 0.2)), Member("second", 0.4), threshold=0.5)
    server = serving(tmp_path / "p")
    before = server.ask(good).json()
    start_once(server, tmp_path / "p")
    catalog = tmp_path / "p/.trimtab/catalog.db"
    kept = catalog.read_bytes()
    catalog.write_bytes(b"no database at all" * 1000)
    server = serving(tmp_path / "p")
    after = server.ask(good).json()
    assert {**after, "prediction_id": ""} == {**before, "prediction_id": ""}
    ready = server.client.get("/readyz").json()
    assert (ready["status"], "cache" in ready["reasons"][0]) == ("degraded", True)
    catalog.write_bytes(kept)
    server.wait_for(lambda: server.client.get("/readyz").json()["status"] == "ready")
    world.promote(project, "second")
    server.wait_for(lambda: server.ask(good).json()["epoch"] == 3)


def test_a_worker_starts_without_the_files_of_its_version(
    world: Any, serving: Any, tmp_path: Path, good: dict[str, Any]
) -> None:
    world.make_project(tmp_path / "p")
    server = serving(tmp_path / "p")
    start_once(server, tmp_path / "p")
    home = tmp_path / "p/.trimtab/blobs"
    home.rename(tmp_path / "away")
    server = serving(tmp_path / "p")
    assert server.ask(good).json()["version"] == "v1"
    assert server.client.get("/readyz").json()["status"] == "degraded"
    (tmp_path / "away").rename(home)
    server.wait_for(lambda: server.client.get("/readyz").json()["status"] == "ready")


def test_without_a_cache_an_unreachable_catalog_is_an_error(world: Any, tmp_path: Path) -> None:
    world.make_project(tmp_path / "p")
    (tmp_path / "p/.trimtab/catalog.db").write_bytes(b"no database at all" * 1000)
    with pytest.raises(StoreError):
        run(tmp_path / "p", port=0)


@pytest.fixture
def kept(world: Any, local: Any, tmp_path: Path) -> tuple[Cache, Any]:
    worker = local(world.make_project(tmp_path / "p"))
    cache = Cache(tmp_path / "cache")
    model = worker.desk.live.model
    cache.keep(worker.shelf.catalog.trim(), {model.id: (model.version, worker.shelf.blobs.path(model.id))})
    return cache, model


def test_what_was_altered_in_the_cache_never_answers(kept: tuple[Cache, Any]) -> None:
    cache, model = kept
    assert Shelf(cache, cache, lambda _: "").open_first()[0] is not None
    (cache.path(model.id) / "encoder.json").chmod(0o644)
    (cache.path(model.id) / "encoder.json").write_text("{}")
    assert Shelf(cache, cache, lambda _: "").open_first()[0] is None


@pytest.mark.parametrize("text", ["", "[]", "null", '{"format": 2}', "\x00"])
def test_a_damaged_cache_is_none(kept: tuple[Cache, Any], text: str) -> None:
    cache, _ = kept
    (cache.folder / "live.json").write_text(text)
    assert (cache.trim(), cache.epoch()) == (None, 0)


def test_only_the_last_trim_is_kept(kept: tuple[Cache, Any], world: Any) -> None:
    cache, model = kept
    trim = cache.trim()
    assert trim is not None
    folders = {one: cache.path(model.id) for one in (model.id, "other")}
    later = type(trim)(trim.epoch + 1, (Member("other"),), 0.5)
    cache.keep(later, {"other": (world.describe("second"), folders["other"])})
    assert [path.name for path in (cache.folder / "versions").iterdir()] == ["other"]
    assert json.loads((cache.folder / "live.json").read_text())["format"] == 1
    assert cache.epoch() == trim.epoch + 1
