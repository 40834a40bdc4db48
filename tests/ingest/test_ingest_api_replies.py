"""Formats, ways to cut a listing into pages, hosts, rates, and replies that are none."""

import gzip
import json
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.ingest.apis import Answer, Api

from trimtab import clock
from trimtab.errors import ConfigError, DataError, HostError, TrimtabError
from trimtab.ingest import fetching
from trimtab.ingest.api import ApiSource
from trimtab.ingest.base import Chunk
from trimtab.ingest.fetching import Reply, unpack
from trimtab.ingest.replies import read_reply
from trimtab.nouns import SourceSpec
from trimtab.nouns.project import PageSpec


def read(spec: SourceSpec, since: Mapping[str, Any] | None = None) -> tuple[list[Chunk], Any]:
    chunks = list(ApiSource(spec).read(since))
    return chunks, json.loads(json.dumps(chunks[-1].position)) if chunks else since


def ids(spec: SourceSpec) -> list[Any]:
    return [value for chunk in read(spec)[0] for value in chunk.frame["id"]]


def failure(spec: SourceSpec) -> TrimtabError:
    with pytest.raises(TrimtabError) as caught:
        read(spec)
    return caught.value


JSONL = {"format": "jsonl", "records": ""}
CSV = {"format": "csv", "records": ""}


def test_json_lines_are_items_and_a_bad_line_is_rejected_once(api: Api) -> None:
    api.say(200, b'{"id": "a", "n": 1}\n\nnot json\n[1]\n{"id": "b", "n": 2}\n', Content_Type="application/x-ndjson")
    (chunk,), position = read(api.spec(**JSONL))
    assert chunk.frame.rows() == [("a", 1.0, 0, "page 1:item 1"), ("b", 2.0, 1, "page 1:item 4")]
    assert [(one.offset, one.reason) for one in chunk.rejected] == [
        ("page 1:item 2", "the line is no JSON"),
        ("page 1:item 3", "an item is no object"),
    ]
    assert read(api.spec(**JSONL), position)[0] == []


def test_csv_comes_as_text_and_a_line_of_another_width_is_rejected(api: Api) -> None:
    api.say(200, b'\xef\xbb\xbfid,n\r\na,"1\n2"\r\n\r\nb\r\n,3\r\nc,\r\n', Content_Type="text/csv; charset=utf-8")
    (chunk,), _ = read(api.spec(**CSV))
    assert chunk.frame.schema["n"] == pl.String
    assert chunk.frame.select("id", "n").rows() == [("a", "1\n2"), ("c", "")]
    assert [one.reason for one in chunk.rejected] == [
        "1 values where the header has 2",
        "column id: the key is missing",
    ]


def test_csv_is_read_in_the_encoding_that_the_server_names(api: Api) -> None:
    api.say(200, "id\nKöln\n".encode("cp1252"), Content_Type="text/csv; charset=windows-1252")
    assert ids(api.spec(**CSV)) == ["Köln"]
    api.say(200, "id\nKöln\n".encode("cp1252"), Content_Type="text/csv")
    assert "not in the encoding utf-8" in str(failure(api.spec(**CSV)))


@pytest.mark.parametrize(
    ("how", "kind", "body", "said"),
    [
        (JSONL, "text/plain", b'{"id": 1}\n{"id": 2', "breaks off"),
        (CSV, "text/csv", b"id,n\n1,2\n3", "breaks off"),
        (CSV, "text/csv", b'id,n\n1,"2\n3,4\n', "no CSV"),
        (CSV, "text/csv", b"id,id\n1,2\n", "twice"),
        (CSV, "text/html", b"id\n1\n", "answers with text/html"),
        (CSV, "text/plain", b"<html>id</html>", "HTML"),
        (CSV, "application/json", b"[]", 'format = "json"'),
        ({"records": ""}, "text/csv", b"[]", 'format = "csv"'),
        ({"records": ""}, "application/x-ndjson", b"[]", 'format = "jsonl"'),
        ({"records": ""}, "text/html", b"<!doctype html>", "HTML"),
        ({"records": ""}, "application/json", b'[{"id": 1}, {"id"', "no JSON"),
    ],
)
def test_half_a_reply_or_another_format_is_refused_whole(
    api: Api, how: dict[str, str], kind: str, body: bytes, said: str
) -> None:
    api.say(200, body, Content_Type=kind)
    problem = failure(api.spec(**how))
    assert isinstance(problem, DataError)
    assert said in str(problem)


@settings(deadline=None, max_examples=60)
@given(
    body=st.binary(max_size=60),
    format=st.sampled_from(["json", "jsonl", "csv"]),
    kind=st.sampled_from(["", "text/csv"]),
)
def test_any_bytes_are_items_or_one_clear_error(body: bytes, format: str, kind: str) -> None:  # noqa: A002
    spec = SourceSpec("x", "api", format=format)  # type: ignore[arg-type]  # drawn from the list
    try:
        items, _ = read_reply(Reply(200, body, "", kind), spec, "here")
    except DataError:
        return
    assert isinstance(items, list)


def listing(size: int) -> list[dict[str, int]]:
    return [{"id": number} for number in range(size)]


def serve(api: Api, items: Sequence[Any], size: int, style: str) -> None:
    """Answer as an API of one style does, with pages of a size of its own."""

    def answer(query: Mapping[str, str], _: Mapping[str, str]) -> Answer:
        at = int(query.get("offset", query.get("token", "0")))
        some, following = items[at : at + size], at + size if at + size < len(items) else None
        reply: dict[str, Any] = {"items": some}
        headers = {}
        if style == "cursor" and following:
            reply["meta"] = {"next": following}
        if style == "body":
            reply["next"] = f"?token={following}" if following else None
        if style == "link" and following:
            headers["Link"] = f'</planes?token={following}>; rel="next", </planes>; rel="first"'
        return 200, headers, json.dumps(reply).encode()

    api.answer = answer


STYLES = {
    "offset": PageSpec("offset"),
    "cursor": PageSpec("cursor", "token", next="meta.next"),
    "body": PageSpec("link", next="next"),
    "link": PageSpec("link"),
}


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("size", [1, 2, 5, 9])
def test_every_style_gives_every_item_once(api: Api, style: str, size: int) -> None:
    serve(api, listing(5), size, style)
    spec = api.spec(page=STYLES[style])
    chunks, position = read(spec)
    assert [value for chunk in chunks for value in chunk.frame["id"]] == [0, 1, 2, 3, 4]
    assert read(spec, position)[0] == []
    serve(api, listing(7), size, style)
    assert read(spec, position)[0][0].frame["id"].to_list() == [5, 6]


def test_an_offset_counts_what_came_and_not_what_was_asked_for(api: Api) -> None:
    serve(api, listing(5), 2, "offset")
    assert ids(api.spec(page=PageSpec("offset", "offset", "limit", 100))) == [0, 1, 2, 3, 4]
    assert [path for path, _ in api.asked] == [f"/planes?offset={at}&limit=100" for at in (0, 2, 4)]


def test_an_etag_holds_for_the_offset_it_came_with(api: Api) -> None:
    """One that counts changes, the same for every URL, must not hide items that moved to another offset."""
    pages = {"0": [1, 2], "2": [3, 4], "3": [4], "4": []}

    def answer(query: Mapping[str, str], headers: Mapping[str, str]) -> Answer:
        if headers.get("If-None-Match") == '"v1"':
            return 304, {}, b""
        return 200, {"ETag": '"v1"'}, json.dumps({"items": [{"id": n} for n in pages[query["offset"]]]}).encode()

    api.answer = answer
    _, position = read(api.spec(page=PageSpec("offset")))
    api.asked.clear()
    assert read(api.spec(page=PageSpec("offset")), position)[0] == []
    assert {headers.get("If-None-Match") for _, headers in api.asked} == {'"v1"'}
    api.asked.clear()
    read(api.spec(page=PageSpec("offset", size_param="limit")), position)
    assert not any("If-None-Match" in headers for _, headers in api.asked)


def test_an_etag_is_not_sent_for_an_offset_that_moved(api: Api) -> None:
    """The first page became shorter, so the second one begins elsewhere: it is read, whatever mark the old one had."""
    serve(api, listing(4), 2, "offset")
    plain = api.answer
    api.answer = lambda query, headers: (200, {"ETag": "v"}, plain(query, headers)[2])
    _, position = read(api.spec(page=PageSpec("offset")))
    rest = [{"id": 1}, {"id": 2}, {"id": 3}]

    def shorter(query: Mapping[str, str], headers: Mapping[str, str]) -> Answer:
        at = int(query["offset"])
        if at and "If-None-Match" in headers:
            return 304, {}, b""
        return 200, {}, json.dumps({"items": [{"id": 9}] if not at else rest[at - 1 :]}).encode()

    api.answer = shorter
    read(api.spec(page=PageSpec("offset")), position)
    assert not any("If-None-Match" in headers for path, headers in api.asked if path == "/planes?offset=1")


@pytest.mark.parametrize("style", ["cursor", "body", "link"])
def test_a_listing_that_goes_in_a_circle_is_refused(api: Api, style: str) -> None:
    def answer(query: Mapping[str, str], _: Mapping[str, str]) -> Answer:
        at = 3 - int(query.get("token", "1"))
        reply = {"items": [{"id": len(api.asked)}], "meta": {"next": at}, "next": f"?token={at}"}
        return 200, {"Link": f'<?token={at}>; rel="next"'} if style == "link" else {}, json.dumps(reply).encode()

    api.answer = answer
    assert "leads back to a page that was read before" in str(failure(api.spec(page=STYLES[style])))
    assert len(api.asked) <= 4


def test_a_listing_without_end_is_refused(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trimtab.ingest.pages.MAX_PAGES", 5)
    serve(api, listing(100), 1, "cursor")
    assert "more than 5 pages" in str(failure(api.spec(page=STYLES["cursor"])))


@pytest.mark.parametrize("style", ["cursor", "body", "link"])
def test_a_first_page_that_names_no_next_one_is_noted(api: Api, style: str) -> None:
    api.give([{"id": 1}])
    chunks, position = read(api.spec(page=STYLES[style]))
    assert "taken for the only one" in chunks[0].note
    api.give([{"id": 1}, {"id": 2}])
    assert read(api.spec(page=STYLES[style]), position)[0][0].note == ""


@pytest.mark.parametrize("style", ["body", "link"])
@pytest.mark.parametrize("target", ["http://evil.example/x", "https://127.0.0.1/", "file:///etc/passwd", "//[::1]:1/"])
def test_a_next_page_elsewhere_is_not_fetched(api: Api, style: str, target: str) -> None:
    reply = {"items": [{"id": 1}], "next": target}
    api.say(200, json.dumps(reply).encode(), **({"Link": f'<{target}>; rel="next"'} if style == "link" else {}))
    problem = failure(api.spec(page=STYLES[style]))
    assert "not followed" in str(problem) or "no URL" in str(problem)
    assert len(api.asked) == 1


def test_a_host_that_is_allowed_is_followed_without_the_token(api: Api) -> None:
    other = f"localhost:{api.port}"
    api.answer = lambda query, _: (
        (200, {}, b'{"items": [{"id": 1}]}') if query else (302, {"Location": f"http://{other}/x?far=1"}, b"")
    )
    spec = api.spec(headers={"Authorization": "Bearer CANARY"})
    assert "not followed" in str(failure(spec))
    assert ids(replace(spec, allow_hosts=(other,))) == [1]
    assert [headers.get("Authorization") for _, headers in api.asked] == ["Bearer CANARY", "Bearer CANARY", None]


def test_an_allowed_host_with_a_private_address_is_refused(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """The source's own address counts as public here; the host that it redirects to does not."""
    api.say(302, b"", Location=f"http://localhost:{api.port}/x")
    monkeypatch.setattr("trimtab.ingest.addresses.is_public", lambda text: len(api.asked) == 0)
    spec = api.spec(allow_private=False, allow_hosts=(f"localhost:{api.port}",))
    assert "private, local or special address" in str(failure(spec))


def test_requests_are_spread_by_the_rate(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[float] = []
    monkeypatch.setattr(clock, "sleep", waited.append)
    serve(api, listing(4), 1, "cursor")
    assert ids(api.spec(page=STYLES["cursor"], rate=0.5)) == [0, 1, 2, 3]
    assert [round(seconds) for seconds in waited] == [2, 2, 2]


def test_a_packed_reply_is_unpacked_in_bounds(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    body = json.dumps({"items": [{"id": 1}]}).encode()
    api.say(200, gzip.compress(body[:9]) + gzip.compress(body[9:]), Content_Encoding="gzip")
    assert ids(api.spec()) == [1]
    monkeypatch.setattr(fetching, "MAX_REPLY", 3 << 20)
    bomb = gzip.compress(bytes(40 << 20), 9)
    api.say(200, bomb, Content_Encoding="gzip")
    assert "sends more than 3 MB" in str(failure(api.spec()))
    assert max(len(piece) for piece in unpack([bomb])) <= 1 << 20


@pytest.mark.parametrize(
    ("packing", "body"),
    [
        ("gzip", gzip.compress(b'{"items": []}')[:-9]),
        ("gzip", b'{"items": []}'),
        ("gzip, gzip", gzip.compress(gzip.compress(b'{"items": []}'))),
        ("deflate", zlib.compress(b'{"items": []}')),
    ],
    ids=["cut", "not packed", "twice", "deflate"],  # gzip's bytes hold the time: workers would name them differently
)
def test_a_packing_that_breaks_off_or_was_not_asked_for_is_refused(api: Api, packing: str, body: bytes) -> None:
    api.say(200, body, Content_Encoding=packing)
    assert isinstance(failure(api.spec()), HostError)


def test_changed_since_is_asked_where_the_api_knows_it(api: Api) -> None:
    items: list[dict[str, Any]] = [{"id": n, "at": f"2026-01-01T00:00:0{n}Z"} for n in range(4)]

    def answer(query: Mapping[str, str], _: Mapping[str, str]) -> Answer:
        since = query.get("since", "")
        return 200, {}, json.dumps({"items": [one for one in items if one["at"] >= since]}).encode()

    api.answer = answer
    spec = api.spec(cursor="at", after="since", overlap=timedelta(seconds=2))
    assert ids(replace(spec, chunk=1)) == [0, 1, 2, 3]
    _, position = read(spec)
    items += [{"id": 7, "at": "2026-01-01T00:00:02Z"}, {"id": 3, "at": "2026-01-01T00:00:05Z"}]
    del items[3]
    chunks, position = read(spec, position)
    assert chunks[0].frame["id"].to_list() == [7, 3]
    assert api.asked[-1][0] == "/planes?since=2026-01-01T00%3A00%3A01Z"
    assert read(spec, position)[0] == []
    assert api.asked[-1][0] == "/planes?since=2026-01-01T00%3A00%3A03Z"


def test_values_of_a_cursor_without_an_order_are_refused(api: Api) -> None:
    api.give([{"id": 1, "at": 5}, {"id": 2, "at": "later"}])
    assert "no common order" in str(failure(api.spec(cursor="at", after="since")))
    api.give([{"id": 1, "at": 5}])
    spec = api.spec(cursor="at", after="since", overlap=timedelta(seconds=1))
    _, position = read(spec)
    with pytest.raises(ConfigError, match="cursor is no time"):
        read(spec, position)
