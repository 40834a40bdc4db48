"""An HTTP API with JSON as a source: every item once, and again when it has changed.

Each read takes the whole listing, page by page, and compares it with what was given: per key a short hash of the item's
content. So an API needs no order and no "changed since"; a page whose ETag still holds is not even sent. Nothing is
yielded before the last page has come, so a listing that breaks off in the middle changes nothing.
"""

import base64
import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from trimtab.errors import ConfigError, DataError, HostError
from trimtab.ingest.base import Chunk, Rejected, check_names
from trimtab.ingest.fetching import Fetcher, Reply, read_url, show_url
from trimtab.ingest.items import Sort, build_frame, decode_reply, find_items, find_misfit, find_sorts, is_text
from trimtab.nouns import SourceSpec, canonical

MAX_ITEMS = 200_000
"""Items of a listing: more are the business of a database or of files. Their position takes about 4 MB."""

MAX_PAGES = 10_000
MAX_SHOWN = 1000
_SHORT = 8


@dataclass(frozen=True, slots=True)
class Page:
    """One page as it was last seen: its ETag, how many items it had, and how many pages the API spoke of (0: not)."""

    etag: str
    items: int
    pages: int


@dataclass(slots=True)
class Position:
    """What an API source remembers: hash of content by hash of key, pages, columns, and the next running number."""

    given: dict[bytes, bytes] = field(default_factory=dict)
    pages: list[Page] = field(default_factory=list)
    sorts: dict[str, Sort] = field(default_factory=dict)
    next_row: int = 0

    @classmethod
    def load(cls, since: Mapping[str, Any] | None) -> "Position":
        """Return the position that `as_json` gave; None is the beginning."""
        if since is None:
            return cls()
        data = base64.b64decode(since["given"])
        pairs = (data[at : at + 2 * _SHORT] for at in range(0, len(data), 2 * _SHORT))
        given = {pair[:_SHORT]: pair[_SHORT:] for pair in pairs}
        return cls(given, [Page(*page) for page in since["pages"]], dict(since["sorts"]), int(since["next_row"]))

    def as_json(self, *, pages: bool) -> dict[str, Any]:
        """Return a copy in plain JSON values; without `pages`, the next read takes every page whole."""
        data = b"".join(key + content for key, content in sorted(self.given.items()))
        kept = [[page.etag, page.items, page.pages] for page in self.pages] if pages else []
        given = base64.b64encode(data).decode()
        return {"given": given, "pages": kept, "sorts": dict(self.sorts), "next_row": self.next_row}


@dataclass(frozen=True, slots=True)
class Item:
    """One item that is new or changed: where it stands, its value, and the hashes it is known by."""

    offset: str
    value: Any
    key: bytes
    content: bytes


class ApiSource:
    """The items of one listing, each state of an item once. With `key`, an item with new content is a newer state."""

    def __init__(self, spec: SourceSpec) -> None:
        self.spec = spec
        self._where = f"[sources.{spec.name}]"

    def describe(self) -> str:
        """Return one line that says where the rows come from."""
        return f"JSON API: {show_url(read_url(self.spec))}"

    def read(self, since: Mapping[str, Any] | None) -> Iterator[Chunk]:
        """Yield what is new or has changed since a position, in chunks of at most `chunk` rows.

        Raises ConfigError where the address is refused or the key does not tell items apart, HostError where the API
        does not answer, DataError where its answer is not what was declared. None of them comes after a chunk.
        """
        position = Position.load(since)
        self._refuse_other_key(since or {})
        with Fetcher(self.spec) as fetcher:
            found = self._list_items(fetcher, position)
        fresh = self._find_new(found, position)
        objects = [item.value for item in fresh if not self._refusal(item.value)]
        position.sorts = find_sorts(objects, position.sorts, self.spec.key)
        check_names([*position.sorts], self._where)
        for begin in range(0, len(fresh), self.spec.chunk):
            some = fresh[begin : begin + self.spec.chunk]
            yield self._chunk(some, position, last=begin + len(some) == len(fresh))

    def _refuse_other_key(self, since: Mapping[str, Any]) -> None:
        """Raise where the position was made with another key: its hashes mean nothing here."""
        if since.get("key", list(self.spec.key)) != list(self.spec.key):
            what = f"{self._where} was read with key = {since['key']}; now it has another."
            raise ConfigError(what, hint="give a listing with another key a source of its own, with a new name")

    def _list_items(self, fetcher: Fetcher, position: Position) -> list[tuple[str, Any]]:
        """Return the items of all pages that changed, with their offsets; `position` then knows these pages."""
        before, position.pages = position.pages, []
        found: list[tuple[str, Any]] = []
        last_body = b""
        while not _is_last(position.pages, paged=self.spec.page.style == "page", size=self.spec.page.size):
            number = len(position.pages) + 1
            old = before[number - 1] if number <= len(before) else None
            reply = fetcher.get(self._params(number), old.etag if old else "")
            items, page = self._read_page(reply, number, old)
            if reply.body and items and reply.body == last_body:
                hint = f"does the API take '{self.spec.page.param}'? Set page to how it cuts its reply"
                raise ConfigError(f"{self._where}: pages {number - 1} and {number} are the same.", hint=hint)
            last_body = reply.body
            position.pages.append(page)
            found += [(f"page {number}:item {place}", item) for place, item in enumerate(items, start=1)]
            self._refuse_many(len(found), number)
        return found

    def _params(self, number: int) -> dict[str, str]:
        page = self.spec.page
        if page.style == "none":
            return {}
        size = {page.size_param: str(page.size)} if page.size_param else {}
        return {page.param: str(number), **size}

    def _read_page(self, reply: Reply, number: int, old: Page | None) -> tuple[list[Any], Page]:
        if reply.status == 304 and old is not None:
            return [], old
        if reply.status == 404 and number > 1:  # some APIs say so behind their last page
            return [], Page("", 0, 0)
        if reply.status != 200:
            raise HostError(
                f"{self._where}: the API answers with status {reply.status}.", hint="check url of this source"
            )
        where = f"{self._where}: page {number}" if self.spec.page.style == "page" else self._where
        content = decode_reply(reply.body, where)
        items = find_items(content, self.spec.records, where)
        pages = content.get("pages") if isinstance(content, dict) else None
        known = pages if isinstance(pages, int) and not isinstance(pages, bool) and pages > 0 else 0
        return items, Page(reply.etag, len(items), known)

    def _refuse_many(self, items: int, pages: int) -> None:
        if items > MAX_ITEMS or pages >= MAX_PAGES:
            hint = "take such amounts from a database or from files"
            raise DataError(
                f"{self._where}: the listing has more than {MAX_ITEMS:,} items or {MAX_PAGES:,} pages.", hint=hint
            )

    def _find_new(self, found: list[tuple[str, Any]], position: Position) -> list[Item]:
        """Return the items that are new or have changed. Raises ConfigError where a key does not tell items apart."""
        items = [self._item(offset, value) for offset, value in found]
        here: dict[bytes, Item] = {}
        for item in items:
            other = here.setdefault(item.key, item)
            if other.content != item.content:
                what = f"{self._where}: {other.offset} and {item.offset} have one key and different content."
                raise ConfigError(what, hint=f"name what tells items apart: key = {list(self.spec.key)} does not")
        fresh = [item for item in here.values() if position.given.get(item.key) != item.content]
        if not self.spec.key and position.given and fresh:
            what = f"{self._where}: the reply has changed, and without a key nobody knows which items are new."
            raise ConfigError(what, hint="name the columns that tell items apart: key = [...]")
        if len(position.given) + len(fresh) > MAX_ITEMS:
            self._refuse_many(MAX_ITEMS + 1, 0)
        return fresh

    def _item(self, offset: str, value: Any) -> Item:
        content = _hash(value)
        parts = [value.get(name) for name in self.spec.key] if isinstance(value, dict) else []
        whole = not parts or any(part is None or isinstance(part, (dict, list)) for part in parts)
        return Item(offset, value, content if whole else _hash(parts, b"key"), content)

    def _chunk(self, items: list[Item], position: Position, *, last: bool) -> Chunk:
        refusals = [self._refusal(item.value) for item in items]
        reasons = [
            refusal or find_misfit(item.value, position.sorts) for item, refusal in zip(items, refusals, strict=True)
        ]
        rejected = tuple(
            Rejected(item.offset, canonical(item.value)[:MAX_SHOWN].encode(errors="replace").decode(), reason)
            for item, reason in zip(items, reasons, strict=True)
            if reason
        )
        good = [item for item, reason in zip(items, reasons, strict=True) if not reason]
        position.given.update({item.key: item.content for item in items})
        frame = build_frame([item.value for item in good], position.sorts).with_columns(
            pl.Series("_row", range(position.next_row, position.next_row + len(good)), dtype=pl.Int64),
            pl.Series("_offset", [item.offset for item in good], dtype=pl.String),
        )
        position.next_row += len(good)
        return Chunk(frame, {"key": list(self.spec.key), **position.as_json(pages=last)}, rejected)

    def _refusal(self, value: Any) -> str:
        if not isinstance(value, dict):
            return "an item is no object"
        if not is_text(value):
            return "half a character (a lone surrogate) is no text"
        lacking = [name for name in self.spec.key if value.get(name) is None]
        nested = [name for name in self.spec.key if isinstance(value.get(name), (dict, list))]
        if lacking or nested:
            return f"column {(lacking or nested)[0]}: the key is {'missing' if lacking else 'no plain value'}"
        return ""


def _is_last(pages: list[Page], *, paged: bool, size: int) -> bool:
    """Whether a listing ends here: by the API's own count, at an empty page, or at a page shorter than the first.

    A first page shorter than asked for proves nothing: the API may have its own limit. Then one more page is asked for.
    """
    if not pages:
        return False
    latest = pages[-1]
    if not paged or not latest.items:
        return True
    if latest.pages:
        return len(pages) >= latest.pages
    return len(pages) > 1 and latest.items < min(size, pages[0].items)


def _hash(value: Any, of: bytes = b"item") -> bytes:
    """Return a short hash of a value; that of a key is never that of an item."""
    try:
        text = canonical(value)
    except RecursionError:
        raise DataError("an item of the reply is nested too deeply.", hint="ask the API for a flatter form") from None
    return hashlib.blake2b(text.encode(errors="surrogatepass"), digest_size=_SHORT, person=of).digest()
