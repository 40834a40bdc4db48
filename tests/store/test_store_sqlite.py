"""A new file is begun by many at once, and none of them is turned away."""

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier, Timer

from trimtab.store.sqlite import PATIENCE, use_wal

MANY, ROUNDS = 8, 40


def begin(path: Path, gate: Barrier) -> str:
    connection = sqlite3.connect(path, timeout=PATIENCE, isolation_level=None)
    try:
        gate.wait()
        use_wal(connection)
        connection.execute("create table if not exists t (a)")
        return str(connection.execute("pragma journal_mode").fetchone()[0])
    finally:
        connection.close()


def test_many_switch_one_new_file_at_once(tmp_path: Path) -> None:
    with ThreadPoolExecutor(MANY) as threads:
        for number in range(ROUNDS):
            gate, path = Barrier(MANY), tmp_path / f"{number}.db"
            assert set(threads.map(lambda _, p=path, g=gate: begin(p, g), range(MANY))) == {"wal"}


def test_one_who_switches_waits_for_who_begins_to_write(tmp_path: Path) -> None:
    """The bare pragma is refused at once here, whatever the connection's patience."""
    first = sqlite3.connect(tmp_path / "x.db", isolation_level=None, check_same_thread=False)
    first.execute("create table t (a)")
    first.execute("begin immediate")
    Timer(0.3, first.execute, ("commit",)).start()
    second = sqlite3.connect(tmp_path / "x.db", isolation_level=None)
    use_wal(second)
    assert second.execute("pragma journal_mode").fetchone()[0] == "wal"
    first.close()
    second.close()
