"""A source that keeps its word passes every rule; one that lies fails the rule it lies about, and no other."""

import json
import sqlite3
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import replace
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from trimtab.errors import Refused
from trimtab.ingest import open_source
from trimtab.ingest.base import Chunk, Rejected
from trimtab.nouns import SourceSpec
from trimtab.nouns.project import PageSpec
from trimtab.nouns.verdict import State
from trimtab.testing import check_source, require

CALLS = count()


class HonestSource:
    """Nine rows in chunks of two, one piece rejected."""

    size = 9

    def describe(self) -> str:
        return "nine rows of memory"

    def read(self, since: Mapping[str, Any] | None) -> Iterator[Chunk]:
        begin = since["next"] if since else 0
        for at in range(begin, self.size, 2):
            yield self.chunk(at, min(at + 2, self.size))

    def chunk(self, begin: int, end: int) -> Chunk:
        numbers = list(range(begin, end))
        frame = pl.DataFrame({"n": numbers, "_row": numbers, "_offset": [f"row {n}" for n in numbers]})
        rejected = (Rejected("4a", "?", "no row"),) if begin == 4 else ()
        return Chunk(frame, {"next": end}, rejected)


class LyingSource(HonestSource):
    """Honest but for one thing: what `lie` makes of each chunk, given where it begins."""

    def __init__(self, lie: Callable[[Chunk, int], Any]) -> None:
        self.lie = lie

    def chunk(self, begin: int, end: int) -> Any:
        return self.lie(super().chunk(begin, end), begin)


def with_frame(chunk: Chunk, *columns: Any) -> Chunk:
    return replace(chunk, frame=chunk.frame.with_columns(*columns))


def states(make: Callable[[], Any], **more: Any) -> dict[str, State]:
    return {one.name: one.state for one in check_source(make, **more)}


def failed(make: Callable[[], Any], **more: Any) -> list[str]:
    return [name for name, state in states(make, **more).items() if state == State.FAIL]


def test_an_honest_source_passes_every_rule() -> None:
    assert set(states(HonestSource).values()) == {State.PASS}
    require(check_source(HonestSource), cannot_tell=False)


LIES: dict[str, tuple[Callable[[Chunk, int], Any], list[str]]] = {
    "types that change": (
        lambda chunk, at: with_frame(chunk, pl.col("n").cast(pl.Float64)) if at else chunk,
        ["chunks"],
    ),
    "a reserved name": (lambda chunk, _: replace(chunk, frame=chunk.frame.rename({"n": "_label"})), ["chunks"]),
    "columns in another place": (
        lambda chunk, _: replace(chunk, frame=chunk.frame.select("_row", "_offset", "n")),
        ["chunks"],
    ),
    "a reason left out": (
        lambda chunk, at: replace(chunk, rejected=(Rejected("4a", "?", ""),) if at == 4 else ()),
        ["chunks"],
    ),
    "numbers that begin again": (lambda chunk, at: with_frame(chunk, pl.col("_row") - at), ["numbers"]),
    "no place of origin": (lambda chunk, _: with_frame(chunk, pl.lit("").alias("_offset")), ["numbers"]),
    "values that change": (
        lambda chunk, _: with_frame(chunk, pl.lit(next(CALLS)).alias("n")),
        ["repeatable", "resumes"],
    ),
    "a position with a time": (lambda chunk, at: replace(chunk, position={"next": at + 2, "x": (1,)}), ["position"]),
    "a position that skips": (
        lambda chunk, at: replace(chunk, position={"next": at + 3}),
        ["resumes"],
    ),
    "a position behind": (lambda chunk, at: replace(chunk, position={"next": at}), ["resumes", "finished"]),
}


@pytest.mark.parametrize("name", LIES)
def test_a_lie_fails_its_rule(name: str) -> None:
    lie, rules = LIES[name]
    assert failed(partial(LyingSource, lie)) == rules


def test_a_position_that_is_changed_later_is_found() -> None:
    class OnePosition(HonestSource):
        def read(self, since: Mapping[str, Any] | None) -> Iterator[Chunk]:
            position = dict(since or {})
            for chunk in super().read(since):
                position.update(chunk.position)
                yield replace(chunk, position=position)

    assert "position" in failed(OnePosition)


@pytest.mark.parametrize(
    "line", ["", "two\nlines", "postgresql://me:hunter2@host/db", "https://x/?token=abc", "CANARY"]
)
def test_a_description_that_tells_too_much_is_found(line: str) -> None:
    class Talker(HonestSource):
        def describe(self) -> str:
            return line

    assert failed(Talker, secrets=("CANARY",)) == ["describes"]
    assert "hunter2" not in str(check_source(Talker))


def test_what_is_no_chunk_is_told_and_not_raised() -> None:
    assert "chunks" in failed(partial(LyingSource, lambda chunk, _: chunk.frame))


def test_a_source_that_fails_is_judged_not_raised() -> None:
    class Broken(HonestSource):
        def read(self, since: Mapping[str, Any] | None) -> Iterator[Chunk]:
            raise RuntimeError("out of order")

    judged = check_source(Broken)
    assert judged[0].reasons == ("read(None) raised RuntimeError: out of order",)
    assert {one.state for one in judged[2:]} == {State.CANNOT_TELL}
    with pytest.raises(Refused, match="out of order"):
        require(judged)


def test_too_little_to_judge_is_said() -> None:
    class Empty(HonestSource):
        size = 0

    class One(HonestSource):
        size = 2

    assert states(Empty)["resumes"] == State.CANNOT_TELL
    assert states(One)["resumes"] == State.CANNOT_TELL
    require(check_source(One))
    with pytest.raises(Refused, match="resumes: there is one chunk only"):
        require(check_source(One), cannot_tell=False)


@pytest.mark.parametrize("cursor", ["at", ""])
def test_the_database_source_keeps_the_rules(tmp_path: Path, cursor: str) -> None:
    file = tmp_path / "up.db"
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("create table t (id text, at integer, n integer)")
        rows = [(str(n), n // 3, "no number" if n == 4 else n) for n in range(10)]
        connection.executemany("insert into t values (?, ?, ?)", rows)
    spec = SourceSpec("rows", "database", url=f"sqlite:///{file}", table="t", cursor=cursor, key=("id",), chunk=3)
    require(check_source(lambda: open_source(spec)), cannot_tell=False)


def test_the_files_source_keeps_the_rules(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("id,n\n1,2\n3\n4,5\n")
    (tmp_path / "b.csv").write_text("id,n\n6,7\n")
    spec = SourceSpec("rows", "files", path=tmp_path)
    require(check_source(lambda: open_source(spec)), cannot_tell=False)


def test_the_api_source_keeps_the_rules() -> None:
    items = [{"id": str(n), "n": n} for n in range(7)] + [{"n": 8}]

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            page = int(self.path.rpartition("page=")[2])
            body = json.dumps(items[3 * page - 3 : 3 * page]).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the name is the base class's
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    url = f"http://127.0.0.1:{server.server_address[1]}/"
    spec = SourceSpec("rows", "api", url=url, format="json", key=("id",), page=PageSpec("page"), chunk=2)
    try:
        require(check_source(lambda: open_source(replace(spec, allow_private=True))), cannot_tell=False)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
