"""Version files appear whole or not at all; the index knows what was forwarded."""

import hashlib
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from trimtab import clock
from trimtab.errors import StoreError
from trimtab.store.blobs import Blobs
from trimtab.store.index import Index


def stage_version(blobs: Blobs, content: str = "model") -> tuple[Path, str]:
    staged = blobs.stage()
    (staged / "inner").mkdir()
    (staged / "inner" / "model.txt").write_text(content)
    manifest = f'{{"model": "{content}"}}'.encode()
    (staged / "manifest.json").write_bytes(manifest)
    return staged, hashlib.sha256(manifest).hexdigest()[:12]


@pytest.fixture
def blobs(tmp_path: Path) -> Blobs:
    return Blobs(tmp_path / "blobs")


def test_a_version_is_kept_under_its_id_and_leaves_nothing_staged(blobs: Blobs) -> None:
    staged, id_ = stage_version(blobs)
    home = blobs.keep(staged, id_)
    assert blobs.path(id_) == home
    assert (home / "inner" / "model.txt").read_text() == "model"
    assert [path.name for path in blobs.root.iterdir()] == [id_]


def test_keeping_the_same_version_again_is_harmless(blobs: Blobs) -> None:
    homes = {blobs.keep(*stage_version(blobs)) for _ in range(3)}
    assert len(homes) == 1
    assert blobs.ids() == (homes.pop().name,)
    assert len(list(blobs.root.iterdir())) == 1


def test_many_who_keep_the_same_version_at_once_all_succeed(blobs: Blobs) -> None:
    staged = [stage_version(blobs) for _ in range(6)]
    with ThreadPoolExecutor(6) as pool:
        homes = list(pool.map(lambda pair: blobs.keep(*pair), staged))
    assert len(set(homes)) == 1
    assert (homes[0] / "manifest.json").exists()


def alter(home: Path) -> None:
    (home / "inner" / "model.txt").write_text("mode1")


def drop_a_file(home: Path) -> None:
    (home / "inner" / "model.txt").unlink()


def drop_the_manifest(home: Path) -> None:
    (home / "manifest.json").unlink()


def add_a_file(home: Path) -> None:
    (home / "more.txt").write_text("more")


def link_a_file(home: Path) -> None:
    (home / "inner" / "model.txt").rename(home.parent / "elsewhere")
    (home / "inner" / "model.txt").symlink_to(home.parent / "elsewhere")


def become_a_file(home: Path) -> None:
    shutil.rmtree(home)
    home.write_text("no folder")


@pytest.mark.parametrize("spoil", [alter, drop_a_file, drop_the_manifest, add_a_file, link_a_file, become_a_file])
def test_keeping_a_version_heals_a_home_that_was_altered(spoil: Callable[[Path], None], blobs: Blobs) -> None:
    home = blobs.keep(*stage_version(blobs))
    spoil(home)
    assert blobs.keep(*stage_version(blobs)) == home
    assert sorted(path.name for path in home.rglob("*")) == ["inner", "manifest.json", "model.txt"]
    assert (home / "inner" / "model.txt").read_text() == "model"
    assert not (home / "inner" / "model.txt").is_symlink()
    assert blobs.ids() == (home.name,)
    assert not list(blobs.root.glob(".*"))


def test_many_who_heal_the_same_version_at_once_all_succeed(blobs: Blobs) -> None:
    drop_the_manifest(blobs.keep(*stage_version(blobs)))
    staged = [stage_version(blobs) for _ in range(6)]
    with ThreadPoolExecutor(6) as pool:
        homes = list(pool.map(lambda pair: blobs.keep(*pair), staged))
    assert len(set(homes)) == 1
    assert (homes[0] / "inner" / "model.txt").read_text() == "model"


def test_ids_list_complete_versions_only(blobs: Blobs) -> None:
    assert blobs.ids() == ()
    ids = sorted(blobs.keep(*stage_version(blobs, content)).name for content in "ab")
    stage_version(blobs, "c")
    (blobs.root / ("f" * 12)).mkdir()
    assert list(blobs.ids()) == ids


def test_a_version_whose_manifest_has_another_hash_is_not_kept(blobs: Blobs) -> None:
    staged, _ = stage_version(blobs)
    with pytest.raises(StoreError, match="its manifest hashes to"):
        blobs.keep(staged, "0" * 12)
    (staged / "manifest.json").unlink()
    with pytest.raises(StoreError, match="no manifest"):
        blobs.keep(staged, "0" * 12)
    assert blobs.ids() == ()


def test_a_version_that_is_not_there_is_said(blobs: Blobs) -> None:
    with pytest.raises(StoreError, match="the files of Version 000000000000 are not in"):
        blobs.path("0" * 12)


@pytest.mark.parametrize("id_", ["", "../x", "v1", "A" * 12, "0" * 11])
def test_an_id_that_is_none_never_becomes_a_path(blobs: Blobs, id_: str) -> None:
    with pytest.raises(StoreError, match="is not the id of a Version"):
        blobs.path(id_)


# --- index ----------------------------------------------------------------------------------------------------------


def test_an_index_that_does_not_exist_knows_nothing_and_makes_nothing(tmp_path: Path) -> None:
    index = Index(tmp_path / "index.db")
    assert (index.knows_prediction("a"), index.last_outcome("a")) == (False, None)
    assert list(tmp_path.iterdir()) == []


def test_a_reader_that_came_first_sees_what_the_loop_writes_later(tmp_path: Path) -> None:
    reader, writer = Index(tmp_path / "run" / "index.db"), Index(tmp_path / "run" / "index.db")
    assert not reader.knows_prediction("a")
    writer.add(["a", "b"], [("a", "yes"), ('key:{"k":1}', "1.5")])
    assert (reader.knows_prediction("a"), reader.knows_prediction("c")) == (True, False)
    assert (reader.last_outcome("a"), reader.last_outcome('key:{"k":1}')) == ("yes", "1.5")
    writer.add(["a"], [("a", "no")])
    assert reader.last_outcome("a") == "no"
    reader.close()
    assert reader.knows_prediction("b")
    reader.close()


def test_one_index_serves_many_threads(tmp_path: Path) -> None:
    index = Index(tmp_path / "index.db")
    index.add([str(number) for number in range(50)])
    with ThreadPoolExecutor(4) as pool:
        known = pool.map(lambda number: index.knows_prediction(str(number % 50)), range(200))
        index.add([str(number) for number in range(50, 90)])
    assert all(known)
    assert index.knows_prediction("89")
    index.close()


def test_a_file_that_is_no_index_is_said(tmp_path: Path) -> None:
    (tmp_path / "index.db").write_bytes(b"rubbish" * 1000)
    index = Index(tmp_path / "index.db")
    with pytest.raises(StoreError, match=r"index\.db cannot be used"):
        index.knows_prediction("a")
    with pytest.raises(StoreError, match=r"index\.db cannot be used"):
        index.add(["a"])


def test_a_batch_is_known_by_its_first_and_last_id(tmp_path: Path) -> None:
    """Every id between them, and none beside them; one that is removed splits the batch, wherever it stands."""
    index, stem = Index(tmp_path / "index.db"), clock.uuid7_stem()
    ids = [f"{stem}{number:06x}" for number in range(20)]
    index.add(batches=[(ids[0], ids[-2])])
    assert [index.knows_prediction(one) for one in ids] == [True] * 19 + [False]
    assert not index.knows_prediction(clock.uuid7())
    assert not index.knows_prediction("0" * 36)
    gone = [ids[0], ids[7], ids[8], ids[18]]
    index.remove(gone, ())
    assert [one for one in ids if not index.knows_prediction(one)] == [*gone, ids[19]]
    index.remove(ids, ())
    assert not any(map(index.knows_prediction, ids))
    index.close()
