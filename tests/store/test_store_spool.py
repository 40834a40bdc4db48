"""What `put` acknowledged is found, sealed, numbered for ever, and survives a killed worker."""

import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest

from trimtab.errors import Busy, SpoolFull, StoreError, UsageError
from trimtab.store.segment import Draft, seal
from trimtab.store.spool import Record, Spool, ask_to_seal, find_spooled, segments


@contextmanager
def spooling(folder: Path, worker: str = "w0", **settings: float) -> Iterator[Spool]:
    spool = Spool(folder, worker, **settings)  # type: ignore[arg-type]  # the test's own keywords
    try:
        yield spool
    finally:
        spool.close()


def record(number: int, kind: str = "prediction") -> Record:
    return kind, f"id-{number}", b'{"n":%d}' % number


def all_ids(folder: Path) -> list[str]:
    return [id_ for segment in segments(folder) for _, id_, _ in segment.records()]


def die_while_spooling(folder: Path, count: int, worker: str = "w0") -> None:
    """Put records in another process that ends without closing anything, as after kill -9."""
    program = (
        "import os, sys; from pathlib import Path; from trimtab.store.spool import Spool\n"
        "spool = Spool(Path(sys.argv[1]), sys.argv[3])\n"
        "for n in range(int(sys.argv[2])): spool.put([('prediction', f'dead-{n}', b'{}')]).result()\n"
        "os._exit(9)"
    )
    subprocess.run([sys.executable, "-c", program, str(folder), str(count), worker], check=False)


def test_an_acknowledged_record_is_found_by_this_worker_and_by_any_other_process(tmp_path: Path) -> None:
    with spooling(tmp_path) as spool:
        spool.put([record(1), record(2, "outcome")]).result()
        assert spool.find("prediction", "id-1") == b'{"n":1}'
        assert find_spooled(tmp_path, "outcome", "id-2") == b'{"n":2}'
        assert spool.find("outcome", "id-1") is None


def test_records_come_back_in_the_order_in_which_one_caller_put_them(tmp_path: Path) -> None:
    with spooling(tmp_path) as spool:
        for number in range(300):
            spool.put([record(number)])
    assert all_ids(tmp_path) == [f"id-{number}" for number in range(300)]


def test_one_put_may_hold_more_records_than_one_statement(tmp_path: Path) -> None:
    with spooling(tmp_path) as spool:
        spool.put([record(number) for number in range(1000)]).result()
        assert isinstance(
            spool.put([*map(record, range(2000, 2100)), ("prediction", "\ud800", b"")]).exception(5), SpoolFull
        )
        spool.put([]).result()
    assert all_ids(tmp_path) == [f"id-{number}" for number in range(1000)]


def test_many_threads_lose_nothing(tmp_path: Path) -> None:
    with spooling(tmp_path, segment_bytes=1000) as spool, ThreadPoolExecutor(8) as pool:
        list(pool.map(partial(put_all, spool), range(8)))
    assert sorted(all_ids(tmp_path)) == sorted(f"id-{part * 1000 + n}" for part in range(8) for n in range(100))


def put_all(spool: Spool, part: int) -> None:
    for number in range(100):
        spool.put([record(part * 1000 + number)]).result()


def test_the_same_id_is_kept_once_per_kind_with_its_first_body(tmp_path: Path) -> None:
    with spooling(tmp_path) as spool:
        spool.put([record(1), ("prediction", "id-1", b"other"), record(1, "outcome")]).result()
        spool.put([("prediction", "id-1", b"late")]).result()
    kept = [row for segment in segments(tmp_path) for row in segment.records()]
    assert kept == [record(1), record(1, "outcome")]


def test_a_full_segment_is_sealed_and_numbers_go_up(tmp_path: Path) -> None:
    with spooling(tmp_path, segment_bytes=1) as spool:
        [spool.put([record(number)]).result() for number in range(3)]
    found = segments(tmp_path)
    assert [segment.number for segment in found] == [1, 2, 3]
    assert {segment.app for segment in found} == {found[0].app}
    assert found[0].app.startswith("spool/w0/")


def test_an_old_segment_is_sealed_though_it_is_small(tmp_path: Path) -> None:
    with spooling(tmp_path, segment_seconds=0.0) as spool:
        spool.put([record(1)]).result()
        ask_to_seal(tmp_path, 5)
        assert all_ids(tmp_path) == ["id-1"]


def test_numbers_are_never_used_again_even_when_every_segment_was_dropped(tmp_path: Path) -> None:
    apps = set()
    for number in range(1, 4):
        with spooling(tmp_path) as spool:
            spool.put([record(number)]).result()
        (segment,) = segments(tmp_path)
        assert segment.number == number
        apps.add(segment.app)
        segment.drop()
        segment.drop()
    assert len(apps) == 1


def test_a_lost_numbering_file_starts_a_new_incarnation(tmp_path: Path) -> None:
    for number in range(2):
        with spooling(tmp_path) as spool:
            spool.put([record(number)]).result()
        (tmp_path / "w0" / "numbering").unlink()
    assert len({segment.app for segment in segments(tmp_path)}) == 2


def test_asking_seals_what_a_living_worker_holds(tmp_path: Path) -> None:
    with spooling(tmp_path) as spool, spooling(tmp_path, "w1") as other:
        spool.put([record(1)]).result()
        other.put([record(2)]).result()
        assert segments(tmp_path) == []
        ask_to_seal(tmp_path, 5)
        assert sorted(all_ids(tmp_path)) == ["id-1", "id-2"]
        spool.put([record(3)]).result()
        assert spool.find("prediction", "id-1") is not None


def test_asking_nobody_returns_at_once(tmp_path: Path) -> None:
    ask_to_seal(tmp_path / "none", 5)
    assert segments(tmp_path / "none") == []
    assert find_spooled(tmp_path / "none", "prediction", "x") is None


def test_what_a_dead_worker_left_is_sealed_by_the_forwarder(tmp_path: Path) -> None:
    die_while_spooling(tmp_path, 7)
    assert find_spooled(tmp_path, "prediction", "dead-3") == b"{}"
    assert all_ids(tmp_path) == [f"dead-{number}" for number in range(7)]
    assert find_spooled(tmp_path, "prediction", "dead-3") == b"{}"


def test_what_a_dead_worker_left_is_sealed_by_its_successor(tmp_path: Path) -> None:
    die_while_spooling(tmp_path, 3)
    with spooling(tmp_path) as spool:
        assert spool.depth()[0] == 3
        spool.put([record(1)]).result()
    assert [segment.number for segment in segments(tmp_path)] == [1, 2]
    assert all_ids(tmp_path) == ["dead-0", "dead-1", "dead-2", "id-1"]


def test_two_living_spools_in_one_folder_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trimtab.store.spool._PATIENCE", 0.1)
    with spooling(tmp_path), pytest.raises(Busy, match="the spool of worker w0 is in use by process"):
        Spool(tmp_path, "w0")


def test_depth_counts_what_waits_and_how_long(tmp_path: Path) -> None:
    with spooling(tmp_path, segment_bytes=20) as spool:
        assert spool.depth() == (0, 0.0)
        [spool.put([record(number)]).result() for number in range(5)]
        count, age = spool.depth()
        assert count == 5
        assert 0 < age < 60
        ask_to_seal(tmp_path, 5)
        for segment in segments(tmp_path):
            segment.drop()
        assert spool.depth() == (0, 0.0)


def test_after_close_a_put_is_refused_through_its_future(tmp_path: Path) -> None:
    spool = Spool(tmp_path, "w0")
    spool.close()
    spool.close()
    assert isinstance(spool.put([record(1)]).exception(), SpoolFull)


def test_a_record_that_cannot_be_written_spoils_only_itself(tmp_path: Path) -> None:
    with spooling(tmp_path) as spool:
        futures = [spool.put([("prediction", id_, b"{}")]) for id_ in ("a", "\ud800", "b")]
        refused = [future.exception(5) for future in futures]
    assert [isinstance(error, SpoolFull) for error in refused] == [False, True, False]
    assert all_ids(tmp_path) == ["a", "b"]


def test_a_full_disk_is_said_and_forgotten_when_there_is_room_again(tmp_path: Path) -> None:
    with spooling(tmp_path) as spool:
        spool.put([record(1)]).result()
        limit_pages(spool, 8)
        refused = spool.put([("prediction", "big", b"x" * 100_000)]).exception(5)
        assert isinstance(refused, SpoolFull)
        assert "full" in str(refused)
        limit_pages(spool, 1_000_000)
        spool.put([record(2)]).result()
    assert all_ids(tmp_path) == ["id-1", "id-2"]


def limit_pages(spool: Spool, pages: int) -> None:
    """Make SQLite believe that the disk ends there: the same error, from the same place, without a disk of our own."""
    assert spool._draft is not None
    spool._draft._connection.execute(f"pragma max_page_count = {pages}")


def test_after_a_broken_file_the_spool_goes_on_with_a_new_one(tmp_path: Path) -> None:
    with spooling(tmp_path) as spool:
        spool.put([record(1)]).result()
        assert spool._draft is not None
        spool._draft._connection.execute("pragma query_only = on")  # every write fails from here on
        assert isinstance(spool.put([record(2)]).exception(5), SpoolFull)
        spool.put([record(3)]).result()
    assert all_ids(tmp_path) == ["id-1", "id-3"]


def test_a_file_that_is_no_database_is_set_aside_with_its_log(tmp_path: Path) -> None:
    with spooling(tmp_path):
        pass
    for suffix in (".open", ".open-wal"):
        (tmp_path / "w0" / f"0000000009-abc{suffix}").write_bytes(b"not a database at all" * 300)
    assert segments(tmp_path) == []
    assert sorted(path.name for path in (tmp_path / "w0").glob("*damaged*")) == [
        "0000000009-abc.damaged",
        "0000000009-abc.damaged-wal",
    ]


def test_a_damaged_segment_says_how_the_others_can_go_on(tmp_path: Path) -> None:
    with spooling(tmp_path) as spool:
        spool.put([record(1)]).result()
    (segment,) = segments(tmp_path)
    segment.path.write_bytes(b"rubbish" * 1000)
    with pytest.raises(StoreError, match=r"rename it to 0000000001-\w+\.damaged"):
        list(segment.records())
    assert find_spooled(tmp_path, "prediction", "id-1") is None


def test_a_file_without_records_is_not_sealed_but_removed(tmp_path: Path) -> None:
    draft = Draft(tmp_path / "0000000001-abc.open", "FULL")
    draft.close()
    assert seal(draft.path) is None
    assert list(tmp_path.iterdir()) == []


def test_a_reader_in_the_middle_of_reading_delays_sealing_and_loses_nothing(tmp_path: Path) -> None:
    with spooling(tmp_path) as spool:
        spool.put([record(1)]).result()
        (path,) = (tmp_path / "w0").glob("*.open")
        reader = sqlite3.connect(path, isolation_level=None)
        reader.execute("begin")
        reader.execute("select count(*) from record").fetchone()
        spool.put([record(2)]).result()
        ask_to_seal(tmp_path, 0.5)
        assert segments(tmp_path) == []
        assert (tmp_path / "w0" / "seal").exists()
        spool.put([record(3)]).result(20)
        reader.close()
        ask_to_seal(tmp_path, 5)
        assert all_ids(tmp_path) == ["id-1", "id-2", "id-3"]
        assert not (tmp_path / "w0" / "seal").exists()
    assert all_ids(tmp_path) == ["id-1", "id-2", "id-3"]


def test_a_waiter_that_gives_up_does_not_stop_the_writer(tmp_path: Path) -> None:
    with spooling(tmp_path) as spool:
        first: Future[None] = spool.put([record(1)])
        assert not first.cancel()
        spool.put([record(2)]).result()
    assert all_ids(tmp_path) == ["id-1", "id-2"]


def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="cannot be used"):
        Spool(tmp_path / "file", "w0")
    with pytest.raises(UsageError, match="cannot name a worker"):
        Spool(tmp_path, "../w0")


_SAY_WHEN_KEPT = """
import os, sys
from pathlib import Path
from trimtab.store.spool import Spool
spool = Spool(Path(sys.argv[1]), "w0", synchronous=sys.argv[2])
for _ in range(3):
    spool.put([("prediction", os.urandom(4).hex(), b"{}")]).result()
    os.write(1, b"kept\\n")
spool.close()
"""


def trace(folder: Path, synchronous: str) -> list[str]:
    """Return what another process synced, renamed and said, in order, as lines of strace."""
    folder.mkdir()
    log = folder / "trace"
    watched = "fsync,fdatasync,rename,renameat,renameat2,write"
    command = ["strace", "-f", "-y", "-s", "8", "-o", str(log), "-e", f"trace={watched}", sys.executable]
    done = subprocess.run([*command, "-c", _SAY_WHEN_KEPT, str(folder), synchronous], check=False, capture_output=True)
    if done.returncode:
        pytest.skip("strace may not trace here")
    return [line for line in log.read_text().splitlines() if "sync(" in line or "rename" in line or "kept" in line]


def synced_before_said(lines: list[str]) -> list[bool]:
    """For each "kept", whether a write-ahead log was synced since the one before."""
    verdicts, synced = [], False
    for line in lines:
        synced = synced or ("sync(" in line and "-wal>" in line)
        if "kept" in line:
            verdicts.append(synced)
            synced = False
    return verdicts


@pytest.mark.skipif(
    shutil.which("strace") is None and not os.environ.get("CI"), reason="needs strace: apt-get install strace"
)
def test_nothing_is_acknowledged_before_the_log_that_holds_it_is_synced(tmp_path: Path) -> None:
    """kill -9 cannot show a missing fsync, so the calls themselves are looked at; synchronous = OFF is the control."""
    lines = trace(tmp_path / "full", "FULL")
    assert synced_before_said(lines) == [True, True, True]
    assert synced_before_said(trace(tmp_path / "off", "OFF")) == [False, False, False]
    (renamed,) = [number for number, line in enumerate(lines) if ".segment" in line and "rename" in line]
    assert any("sync(" in line and ".open>" in line for line in lines[:renamed])
    assert any("sync(" in line and line.rstrip().endswith("w0>) = 0") for line in lines[renamed:])
