"""An API gives each state of each item once, is asked politely, and is never trusted."""

import json
import socket
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.ingest.apis import PAGED, Answer, Api

from trimtab import clock
from trimtab.errors import ConfigError, DataError, HostError, TrimtabError
from trimtab.ingest import fetching
from trimtab.ingest.addresses import is_public
from trimtab.ingest.api import ApiSource
from trimtab.ingest.base import Chunk
from trimtab.nouns import SourceSpec
from trimtab.nouns.project import PageSpec


def take(spec: SourceSpec, since: Mapping[str, Any] | None = None) -> tuple[list[Chunk], Any]:
    chunks = list(ApiSource(spec).read(since))
    return chunks, json.loads(json.dumps(chunks[-1].position)) if chunks else since


def rows(chunks: list[Chunk]) -> list[dict[str, Any]]:
    return [row for chunk in chunks for row in chunk.frame.drop("_row", "_offset").to_dicts()]


def failure(spec: SourceSpec) -> TrimtabError:
    with pytest.raises(TrimtabError) as caught:
        list(ApiSource(spec).read(None))
    assert "CANARY" not in str(caught.value)
    return caught.value


def test_items_come_with_number_and_place(api: Api) -> None:
    api.give([{"id": "a", "n": 1}, {"id": "b", "n": 2.5}], [{"id": "c", "n": None}])
    ((chunk,), _) = take(api.spec(page=PAGED))
    assert chunk.frame.schema == {
        "id": pl.String,
        "n": pl.Float64,
        "_row": pl.Int64,
        "_offset": pl.String,
    }
    assert chunk.frame.rows() == [
        ("a", 1.0, 0, "page 1:item 1"),
        ("b", 2.5, 1, "page 1:item 2"),
        ("c", None, 2, "page 2:item 1"),
    ]
    assert [path for path, _ in api.asked] == ["/planes?page=1&size=2", "/planes?page=2&size=2"]


def test_only_new_and_changed_items_come_again(api: Api) -> None:
    api.give([{"id": "a", "n": 1}, {"id": "b", "n": 2}])
    _, position = take(api.spec())
    assert take(api.spec(), position)[0] == []
    api.give([{"n": 2, "id": "b"}, {"id": "c", "n": 3}, {"id": "a", "n": 9}])
    chunks, position = take(api.spec(), position)
    assert rows(chunks) == [{"id": "c", "n": 3.0}, {"id": "a", "n": 9.0}]
    assert chunks[0].frame["_row"].to_list() == [2, 3]
    api.give([{"id": "a", "n": 1}])
    assert rows(take(api.spec(), position)[0]) == [{"id": "a", "n": 1.0}]


@settings(deadline=None, max_examples=20)
@given(
    listings=st.lists(st.dictionaries(st.integers(0, 5), st.sampled_from([1, 2.5, None]), min_size=1), max_size=5),
    size=st.integers(1, 3),
    chunk=st.integers(1, 3),
    etag=st.booleans(),
)
def test_what_was_given_is_always_the_listing(
    listings: list[dict[int, float | None]], size: int, chunk: int, *, etag: bool
) -> None:
    """However a listing changes and is cut: the newest states given are its own, and none comes twice in a row."""
    given_states: dict[str, Any] = {}
    position = None
    for server_pages in [*listings, listings[-1]] if listings else []:
        source = PagesSource(server_pages, size, chunk, etag=etag)
        for one in source.read(position):
            position = json.loads(json.dumps(one.position))
            for row in one.frame.drop("_row", "_offset").to_dicts():
                state = {"n": None, **row}
                assert given_states.get(row["id"]) != state
                given_states[row["id"]] = state
        assert {key: state["n"] for key, state in given_states.items() if int(key) in server_pages} == {
            str(key): value for key, value in server_pages.items()
        }


class PagesSource(ApiSource):
    """A source with the API's pages in memory: the same reading without a socket, for many examples."""

    def __init__(self, listing: Mapping[int, Any], size: int, chunk: int, *, etag: bool) -> None:
        page = PageSpec("page", size=size)
        super().__init__(
            SourceSpec(
                "planes",
                "api",
                url="http://127.0.0.1/",
                format="json",
                key=("id",),
                page=page,
                chunk=chunk,
                allow_private=True,
            )
        )
        items = [{"id": str(key), "n": value} for key, value in listing.items()]
        self._pages = [items[at : at + size] for at in range(0, len(items), size)]
        self._etag = etag

    def _list_items(self, fetcher: fetching.Fetcher, position: Any) -> list[tuple[str, Any]]:
        return super()._list_items(MemoryFetcher(self._pages, etag=self._etag), position)


class MemoryFetcher(fetching.Fetcher):
    def __init__(self, pages: list[Any], *, etag: bool) -> None:
        self._pages = pages
        self._etag = etag

    def get(self, params: Mapping[str, str], etag: str = "") -> fetching.Reply:
        number = int(params["page"])
        body = json.dumps(self._pages[number - 1] if number <= len(self._pages) else []).encode()
        mark = f'"{hash(body)}"' if self._etag else ""
        return fetching.Reply(304) if etag and etag == mark else fetching.Reply(200, body, mark)


def test_an_etag_that_holds_saves_the_reply(api: Api) -> None:
    pages = [[{"id": "a"}, {"id": "b"}], [{"id": "c"}, {"id": "d"}], [{"id": "e"}]]
    api.give(*pages, etag=True)
    _, position = take(api.spec(page=PAGED))
    api.asked.clear()
    assert take(api.spec(page=PAGED), position)[0] == []
    assert len(api.asked) == 3
    assert all(headers["If-None-Match"] for _, headers in api.asked)
    api.give(*pages[:2], [{"id": "e"}, {"id": "f"}], [{"id": "g"}], etag=True)
    assert [row["id"] for row in rows(take(api.spec(page=PAGED), position)[0])] == ["f", "g"]


@pytest.mark.parametrize("count", [True, False])
def test_every_page_is_read(api: Api, *, count: bool) -> None:
    api.give([{"id": 1}, {"id": 2}], [{"id": 3}, {"id": 4}], count=count)
    assert [row["id"] for row in rows(take(api.spec(page=PAGED))[0])] == [1, 2, 3, 4]


def test_an_api_with_smaller_pages_than_asked_for_loses_nothing(api: Api) -> None:
    api.give([{"id": 1}], [{"id": 2}], [{"id": 3}], count=False)
    assert [row["id"] for row in rows(take(api.spec(page=replace(PAGED, size=500)))[0])] == [1, 2, 3]


def test_404_behind_the_last_page_is_its_end(api: Api) -> None:
    api.answer = lambda query, _: (200, {}, b'{"items": [{"id": 1}]}') if query["page"] == "1" else (404, {}, b"")
    assert len(rows(take(api.spec(page=PAGED))[0])) == 1


def test_an_api_that_does_not_take_the_parameter_is_found_out(api: Api) -> None:
    api.say(200, b'{"items": [{"id": 1}, {"id": 2}]}')
    assert "pages 1 and 2 are the same" in str(failure(api.spec(page=PAGED)))


@pytest.mark.parametrize(("path", "body"), [("", [{"id": 1}]), ("a.b", {"a": {"b": [{"id": 1}]}})])
def test_records_may_lie_deep(api: Api, path: str, body: Any) -> None:
    api.say(200, json.dumps(body).encode())
    assert rows(take(api.spec(records=path))[0]) == [{"id": 1}]
    assert "records" in str(failure(api.spec(records="nowhere")))


def test_columns_keep_their_type(api: Api) -> None:
    """Whole here and fractional there is one number; mixed values are their JSON text; a key stays whole."""
    api.give([{"id": 1, "n": 1, "m": 1, "o": {"b": [1], "a": 2}, "e": None, "big": 2**60, "b": True}])
    chunks, position = take(api.spec())
    first = chunks[0].frame
    assert dict(first.schema) == {
        "id": pl.Int64,
        "n": pl.Float64,
        "m": pl.Float64,
        "o": pl.String,
        "big": pl.String,
        "b": pl.Boolean,
        "_row": pl.Int64,
        "_offset": pl.String,
    }
    assert first.row(0)[3:6] == ('{"a":2,"b":[1]}', str(2**60), True)
    api.give([{"id": 2, "n": 0.5, "m": "text", "e": "late", "big": "x"}, {"id": 3, "n": 2}])
    (chunk,), _ = take(api.spec(), position)
    assert {name: chunk.frame.schema[name] for name in first.columns} == dict(first.schema)
    assert (chunk.frame["id"].to_list(), chunk.frame["e"].to_list()) == ([3], [None])
    assert [one.reason for one in chunk.rejected] == ["column m: text where number was before"]


def test_mixed_columns_are_text_from_the_first_chunk_on(api: Api) -> None:
    api.give([{"id": 1, "m": 1}, {"id": 2, "m": "x"}, {"id": 3, "m": True}, {"id": 4, "m": [1]}])
    chunks, _ = take(api.spec(chunk=1))
    assert [row["m"] for row in rows(chunks)] == ["1", "x", "true", "[1]"]


@pytest.mark.parametrize(
    ("item", "reason"),
    [
        ("[1]", "an item is no object"),
        ("7", "an item is no object"),
        ('{"n": 1}', "column id: the key is missing"),
        ('{"id": [1]}', "column id: the key is no plain value"),
        ('{"id": 7, "n": 1e400}', "beyond all limits"),
        ('{"id": 7, "n": "\\ud800"}', "half a character"),
        ('{"id": 7, "\\ud800": 1}', "half a character"),
    ],
)
def test_an_item_that_is_no_row_is_rejected_once(api: Api, item: str, reason: str) -> None:
    api.say(200, f'{{"items": [{{"id": 1, "n": 1}}, {item}]}}'.encode())
    (chunk,), position = take(api.spec())
    assert chunk.frame["id"].to_list() == [1]
    (rejected,) = chunk.rejected
    assert rejected.offset == "page 1:item 2"
    assert reason in rejected.reason
    assert rejected.line.encode()
    assert take(api.spec(), position)[0] == []


@pytest.mark.parametrize(
    "body",
    [
        b"<html>CANARY</html>",
        b'{"items": [{"id": 1}',
        b"",
        b"\xff\xfe",
        b"NaN",
        b'{"items": [{"id": NaN}]}',
        b'{"items": [{"id": 1, "id": 2}]}',
        b"[" * 100_000,
        b'{"items": [{"id": ' + b"[" * 970 + b"]" * 970 + b"}]}",
        b'{"items": [{"id": ' + b"9" * 5000 + b"}]}",
        b'{"items": {"id": 1}}',
        b'"items"',
    ],
)
def test_a_reply_that_is_no_listing_is_refused_whole(api: Api, body: bytes) -> None:
    api.say(200, body)
    error = failure(api.spec())
    assert isinstance(error, DataError)
    assert "[sources.planes]" in str(error) or "nested too deeply" in str(error)


def test_a_key_that_does_not_tell_items_apart_is_refused(api: Api) -> None:
    api.give([{"id": 1, "n": 1}, {"id": 2}, {"id": 1, "n": 2}])
    error = failure(api.spec())
    assert isinstance(error, ConfigError)
    assert "page 1:item 1 and page 1:item 3" in str(error)
    api.give([{"id": 1, "n": 1}, {"id": 1, "n": 1}])
    assert len(rows(take(api.spec())[0])) == 1


def test_without_key_a_changed_reply_is_refused(api: Api) -> None:
    api.give([{"a": 1}])
    _, position = take(api.spec(key=()))
    assert take(api.spec(key=()), position)[0] == []
    api.give([{"a": 2}])
    with pytest.raises(ConfigError, match="without a key"):
        take(api.spec(key=()), position)


def test_another_key_under_the_same_name_is_refused(api: Api) -> None:
    api.give([{"id": 1, "n": 1}])
    _, position = take(api.spec())
    with pytest.raises(ConfigError, match="new name"):
        take(api.spec(key=("n",)), position)


def test_reserved_and_overlong_names_are_refused(api: Api) -> None:
    api.give([{"id": 1, "_row": 1, "x" * 300: 1}])
    error = failure(api.spec())
    assert len(error.mistakes) == 2


def test_headers_are_sent_and_never_shown(api: Api) -> None:
    api.give([{"id": 1}])
    take(api.spec(headers={"Authorization": "Bearer CANARY"}))
    assert api.asked[0][1]["Authorization"] == "Bearer CANARY"
    assert api.asked[0][1]["Host"] == f"127.0.0.1:{api.port}"
    for status in (401, 500):
        api.say(status, b"CANARY")
        assert str(status) in str(failure(api.spec(headers={"Authorization": "Bearer CANARY"})))
    for header in ("CANARY\r\nX: y", "CANARY\u20ac"):
        assert isinstance(failure(api.spec(headers={"Authorization": header})), ConfigError)
    assert "?token" not in str(failure(api.spec(url=f"http://127.0.0.1:{api.port}/planes?token=CANARY")))


def test_a_host_is_asked_by_its_name(api: Api) -> None:
    """Connections go to the address that was checked, but the server must still know which site is meant."""
    api.give([{"id": 1}])
    take(api.spec(url=f"http://localhost:{api.port}/planes"))
    assert api.asked[0][1]["Host"] == f"localhost:{api.port}"


def test_a_name_that_changes_its_mind_gains_nothing(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """The address that was checked is the one that is connected to, whatever the name means a moment later."""
    resolve, asked = socket.getaddrinfo, []

    def rebind(host: Any, *rest: Any, **more: Any) -> Any:
        asked.append(host)
        later = "127.0.0.2" if asked.count("rebind.example") > 1 else "127.0.0.1"
        return resolve(later if host == "rebind.example" else host, *rest, **more)

    monkeypatch.setattr(socket, "getaddrinfo", rebind)
    api.give([{"id": 1}])
    assert len(rows(take(api.spec(url=f"http://rebind.example:{api.port}/planes"))[0])) == 1
    assert asked.count("rebind.example") == 1


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_server_in_trouble_is_asked_again(api: Api, status: int) -> None:
    answers = iter([(status, {"Retry-After": "0"}, b""), (status, {}, b"<html>"), (200, {}, b'{"items": [{"id": 1}]}')])
    api.answer = lambda _, __: next(answers)
    assert len(rows(take(api.spec())[0])) == 1
    api.say(status)
    api.asked.clear()
    error = failure(api.spec())
    assert isinstance(error, HostError)
    assert f"status {status}" in str(error)
    assert len(api.asked) == 3


@pytest.mark.parametrize("dated", [True, False])
def test_retry_after_is_honoured_up_to_a_limit(api: Api, *, dated: bool) -> None:
    until = format_datetime(clock.now() + timedelta(seconds=2), usegmt=True) if dated else "1"
    answers = iter([(503, {"Retry-After": until}, b""), (200, {}, b'{"items": [{"id": 1}]}')])
    api.answer = lambda _, __: next(answers)
    begin = clock.monotonic_ns()
    take(api.spec())
    assert (clock.monotonic_ns() - begin) / 1e9 > 0.8
    api.say(503, Retry_After=format_datetime(datetime(2100, 1, 1, tzinfo=UTC)) if dated else "3600")
    api.asked.clear()
    assert "asks to wait" in str(failure(api.spec()))
    assert len(api.asked) == 1


def test_half_a_reply_is_asked_for_again(api: Api) -> None:
    api.say(200, b'{"items": [', Content_Length="1000", Connection="close")
    assert isinstance(failure(api.spec(retries=1, page=PageSpec())), HostError)
    assert len(api.asked) == 2


def test_a_server_that_is_not_there(api: Api) -> None:
    error = failure(api.spec(url="http://127.0.0.1:9/x"))
    assert isinstance(error, HostError)
    assert "3 times" in str(error)


def test_a_listing_that_breaks_off_changes_nothing(api: Api) -> None:
    api.answer = lambda query, _: (
        (200, {}, b'{"items": [{"id": 1}], "pages": 2}') if query["page"] == "1" else (500, {}, b"")
    )
    assert isinstance(failure(api.spec(page=PAGED)), HostError)


@pytest.mark.parametrize(
    "target",
    ["http://localhost:{port}/x", "http://169.254.169.254/", "https://127.0.0.1:{port}/", "file:///etc/passwd"],
)
def test_redirects_to_another_host_are_not_followed(api: Api, target: str) -> None:
    api.say(302, Location=target.format(port=api.port))
    assert "not followed" in str(failure(api.spec()))
    assert len(api.asked) == 1


def test_redirects_on_the_same_host_are_followed_a_few_times(api: Api) -> None:
    def answer(query: Mapping[str, str], _: Mapping[str, str]) -> Answer:
        return (200, {}, b'{"items": [{"id": 1}]}') if query else (307, {"Location": "/other?moved=1"}, b"")

    api.answer = answer
    assert len(rows(take(api.spec())[0])) == 1
    api.say(302, Location="/planes")
    assert "redirects more than" in str(failure(api.spec()))


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "2130706433", "0x7f.1", "[::1]", "[::ffff:127.0.0.1]", "0"])
def test_private_addresses_are_refused_unless_allowed(api: Api, host: str) -> None:
    error = failure(api.spec(url=f"http://{host}:{api.port}/planes", allow_private=False))
    assert isinstance(error, ConfigError)
    assert api.asked == []


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("93.184.216.34", True),
        ("2606:2800:220:1::1", True),
        ("10.0.0.1", False),
        ("100.64.0.1", False),
        ("169.254.169.254", False),
        ("224.0.0.1", False),
        ("0.0.0.0", False),  # noqa: S104  # an address to refuse, not to listen on
        ("fe80::1%eth0", False),
        ("fd00::1", False),
        ("::ffff:10.0.0.1", False),
        ("64:ff9b::7f00:1", False),
        ("2002:7f00:1::", False),
    ],
)
def test_which_addresses_are_public(address: str, *, public: bool) -> None:
    assert is_public(address) == public


@pytest.mark.parametrize(
    "url", ["", "planes", "ftp://example.org/x", "http://", "http://u:CANARY@example.org/", "http://[::1/"]
)
def test_an_address_that_is_none(api: Api, url: str) -> None:
    assert isinstance(failure(api.spec(url=url)), ConfigError)


def test_a_reply_beyond_the_limit_is_refused(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetching, "MAX_REPLY", 1000)
    api.say(200, b" " * 2000 + b"[]")
    assert "MB in one reply" in str(failure(api.spec()))


def test_a_reply_that_drips_is_given_up(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetching, "SLOWEST", 0)
    api.give([{"id": 1}])
    assert "longer than" in str(failure(api.spec(retries=0)))


def test_a_silent_server_is_given_up(api: Api) -> None:
    def answer(*_: Any) -> Answer:
        clock.sleep(1)
        return 200, {}, b"[]"

    api.answer = answer
    spec = replace(api.spec(retries=0), timeout=timedelta(seconds=0.2))
    assert isinstance(failure(spec), HostError)


def test_it_says_where_rows_come_from_without_the_query() -> None:
    spec = SourceSpec("planes", "api", url="https://example.org/planes?token=CANARY", format="json")
    assert ApiSource(spec).describe() == "JSON API: https://example.org/planes"
