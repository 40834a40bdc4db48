"""kill -9 during ingest: in the end the lake holds what an undisturbed run holds, row for row.

    python tests/faults/ingest_battery.py MODE [KILLS] [careless]

    csv        a folder of CSV files, some lines of which are no row
    database   a SQLite table with a cursor
    api        a paged listing over HTTP
    careless   the control: positions come in a commit of their own behind their rows, and transactions are forgotten

Before each kill the source grows. Kills come at random moments of about the time that an undisturbed read takes, which
is measured anew at every tenth kill. Prints one JSON object: how many kills cut work short, and how many of them behind
a commit of that run; how many rows the undisturbed run holds, and which tables differ from it (in the number of rows,
or in a hash of their content).
"""

import hashlib
import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

from trimtab.loop import gather, raw
from trimtab.loop.cycle import ingest
from trimtab.loop.state import open_wheel
from trimtab.store.lake import Lake

ROWS = 600
PAGE = 300
CONTRACT = """
format = 1
[row]
key = ["id"]
order = "file"
[target]
column = "y"
task = "binary"
positive = "yes"
classes = ["no", "yes"]
[columns.id]
type = "integer"
role = "key"
[columns.a]
type = "number"
hard = [0, 900]
"""
SOURCES = {
    "csv": 'kind = "files"\npath = "{home}/drop"',
    "database": 'kind = "database"\nurl = "sqlite:///{home}/source.db"\ntable = "rows"\ncursor = "id"\n'
    'key = ["id"]\nchunk = 150',
    "api": 'kind = "api"\nurl = "http://127.0.0.1:{port}/rows"\nrecords = "items"\nkey = ["id"]\nallow_private = true\n'
    'page = {{ style = "page", param = "page", size_param = "size", size = {size} }}',
}
MOMENTS = ("_arrived_at", "_judged_at", "_event_at")


def make_rows(batch: int) -> list[tuple[int, int, str]]:
    """Return the rows of one batch; every tenth is out of range."""
    first = batch * ROWS
    return [(number, number % 1000, "yes" if number % 3 else "no") for number in range(first, first + ROWS)]


def grow(mode: str, home: Path, batch: int) -> None:
    """Add a batch to the source."""
    if mode == "database":
        with closing(sqlite3.connect(home / "source.db")) as database, database:
            database.execute("create table if not exists rows (id integer, a integer, y text)")
            database.executemany("insert into rows values (?, ?, ?)", make_rows(batch))
    elif mode == "csv":
        lines = [",".join(map(str, row)) for row in make_rows(batch)]
        lines[5::500] = ["too,many,cells,here"] * len(lines[5::500])
        draft = home / f".{batch:03}.csv"
        draft.write_text("id,a,y\n" + "\n".join(lines) + "\n", encoding="utf-8")
        (home / "drop").mkdir(exist_ok=True)
        draft.rename(home / "drop" / f"{batch:03}.csv")
    else:
        (home / "grown").write_text(str(batch + 1), encoding="utf-8")


@contextmanager
def listing(home: Path) -> Iterator[int]:
    """Serve what has grown so far, page by page; yield the port."""

    class Pages(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            page = int(parse_qs(urlsplit(self.path).query)["page"][0])
            rows = [row for batch in range(int((home / "grown").read_text())) for row in make_rows(batch)]
            items = [{"id": row[0], "a": row[1], "y": row[2]} for row in rows[(page - 1) * PAGE : page * PAGE]]
            body = json.dumps({"items": items}).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Pages)
    server.handle_error = lambda *_: None  # type: ignore[method-assign]  # a client that was killed
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()


def make_project(folder: Path, mode: str, home: Path, port: int) -> None:
    folder.mkdir()
    source = SOURCES[mode].format(home=home, port=port, size=PAGE)
    (folder / "trimtab.toml").write_text(f'format = 1\n[project]\nname = "p"\n[sources.rows]\n{source}\n')
    (folder / "contract.toml").write_text(CONTRACT)


def read_all(folder: Path, *, careless: bool = False) -> None:
    """Ingest in commits so small that a kill meets some of them."""
    gather.MOST_ROWS, raw.MOST_ROWS = 150, 250
    if careless:
        append: Callable[..., Any] = Lake.append

        def forget(lake: Lake, table: str, frame: Any, metadata: Any = None, **_: Any) -> Any:
            version = append(lake, table, frame)
            return append(lake, table, frame.clear(), metadata=metadata) if metadata else version

        Lake.append = forget  # type: ignore[assignment,method-assign]
    wheel = open_wheel(folder)
    os.write(2, b"ready\n")
    ingest(wheel, tell=lambda _: None)
    os.write(2, b"done\n")


def kill_one(folder: Path, delay: float, *words: str) -> tuple[bool, bool]:
    """Kill an ingest `delay` seconds after its first word: whether it was cut short, and that behind a commit."""
    before = count_commits(folder)
    with start_child(folder, *words) as child:
        time.sleep(delay)
        child.send_signal(signal.SIGKILL)
        cut = b"done" not in read_words(child)
    return cut, cut and count_commits(folder) > before


def start_child(folder: Path, *words: str) -> subprocess.Popen[bytes]:
    """Start an ingest in a process of its own; return when it begins to read."""
    child = subprocess.Popen([sys.executable, __file__, "child", str(folder), *words], stderr=subprocess.PIPE)
    assert child.stderr is not None
    child.stderr.readline()
    return child


def read_words(child: subprocess.Popen[bytes]) -> bytes:
    assert child.stderr is not None
    return child.stderr.read()


def count_commits(folder: Path) -> int:
    return len(list((folder / ".trimtab" / "lake").glob("**/_delta_log/*.json")))


def time_read(folder: Path) -> float:
    """Return the seconds that one undisturbed read takes after its first word."""
    with start_child(folder) as child:
        start = time.monotonic()
        read_words(child)
        return time.monotonic() - start


def digest(folder: Path) -> dict[str, tuple[int, str]]:
    """Return the rows of every table and a hash of their content, moments aside."""
    lake, found = Lake(folder / ".trimtab" / "lake"), {}
    for table in lake.tables():
        rows = lake.read(table).drop(MOMENTS, strict=False).collect()
        lines = sorted(map(repr, rows.select(sorted(rows.columns)).rows()))
        found[table] = (rows.height, hashlib.sha256("\n".join(lines).encode()).hexdigest())
    return found


def run(mode: str, kills: int, home: Path, *words: str) -> dict[str, object]:
    chance, span, cut_short, behind = random.Random(7), 0.0, 0, 0
    grow(mode, home, 0)
    with listing(home) as port:
        for name in ("killed", "whole"):
            make_project(home / name, mode, home, port)
        for number in range(kills):
            span = time_read(home / "whole") if number % 10 == 0 else span
            grow(mode, home, number + 1)
            cut, committed = kill_one(home / "killed", chance.uniform(0.0, span), *words)
            cut_short, behind = cut_short + cut, behind + committed
        for name in ("killed", "whole"):
            read_all(home / name)
    killed, whole = digest(home / "killed"), digest(home / "whole")
    differ = sorted(table for table in killed.keys() | whole.keys() if killed.get(table) != whole.get(table))
    told = {"kills": kills, "cut_short": cut_short, "behind_a_commit": behind}
    return {**told, "rows": sum(count for count, _ in whole.values()), "differ": differ}


def main(mode: str, *rest: str) -> None:
    if mode == "child":
        read_all(Path(rest[0]), careless="careless" in rest)
        return
    with tempfile.TemporaryDirectory() as home:
        result = run(mode, int(rest[0]) if rest else 50, Path(home), *rest[1:])
    sys.stdout.write(json.dumps(result) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
