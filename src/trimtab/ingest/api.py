"""An HTTP API as a source: every item of a listing once, and again when it has changed.

Each read takes the whole listing, page by page, and compares it with what was given: per key a short hash of the item's
content. So an API needs no order and no "changed since"; a page whose ETag still holds is not even sent. Where the API
does know "changed since" (`after`), it is asked for that much only. Nothing is yielded before the last page has come,
so a listing that breaks off in the middle changes nothing.
"""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import polars as pl

from trimtab.errors import ConfigError, DataError, HostError
from trimtab.ingest.base import Chunk, Rejected, check_names
from trimtab.ingest.fetching import Fetcher, read_url, show_url
from trimtab.ingest.given import MOST, Given, hash_text
from trimtab.ingest.items import Sort, build_frame, find_misfit, find_sorts, is_text
from trimtab.ingest.pages import Page, Walk
from trimtab.ingest.replies import BadLine, read_reply
from trimtab.nouns import SourceSpec, canonical, fingerprint

MAX_SHOWN = 1000
_SPOKEN = {"json": "JSON", "jsonl": "JSON lines", "csv": "CSV"}


@dataclass(slots=True)
class Position:
    """What an API source remembers: states given, pages, columns, the next running number, the cursor's highest value.

    `asked` is a hash of how pages were asked for: asked otherwise, their ETags mean nothing.
    """

    given: Given = field(default_factory=Given)
    pages: list[Page] = field(default_factory=list)
    sorts: dict[str, Sort] = field(default_factory=dict)
    next_row: int = 0
    asked: str = ""
    cursor: Any = None

    @classmethod
    def load(cls, since: Mapping[str, Any] | None) -> "Position":
        """Return the position that `as_json` gave; None is the beginning."""
        if since is None:
            return cls()
        pages = [Page(*page) for page in since["pages"]]
        plain = {name: since[name] for name in ("asked", "cursor") if name in since}
        return cls(Given.load(since["given"]), pages, dict(since["sorts"]), int(since["next_row"]), **plain)

    def as_json(self, *, pages: bool) -> dict[str, Any]:
        """Return a copy in plain JSON values; without `pages`, the next read takes every page whole."""
        kept = [[page.etag, page.items, page.pages, page.at] for page in self.pages] if pages else []
        own = {"given": self.given.as_text(), "pages": kept, "sorts": dict(self.sorts), "next_row": self.next_row}
        return {**own, "asked": self.asked, "cursor": self.cursor}


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
        self._note = ""

    def describe(self) -> str:
        """Return one line that says where the rows come from."""
        return f"{_SPOKEN[self.spec.format]} API: {show_url(read_url(self.spec))}"

    def read(self, since: Mapping[str, Any] | None) -> Iterator[Chunk]:
        """Yield what is new or has changed since a position, in chunks of at most `chunk` rows.

        Raises ConfigError where the address is refused or the key does not tell items apart, HostError where the API
        does not answer, DataError where its answer is not what was declared. None of them comes after a chunk.
        """
        position = Position.load(since)
        self._refuse_other_key(since or {})
        self._note = ""
        with Fetcher(self.spec) as fetcher:
            found = self._list_items(fetcher, position)
        items = self._tell_apart(found)
        fresh = self._find_new(items, position)
        objects = [item.value for item in fresh if not self._refusal(item.value)]
        position.sorts = find_sorts(objects, position.sorts, self.spec.key)
        check_names([*position.sorts], self._where)
        high = self._find_high(items, position.cursor)
        for begin in range(0, len(fresh), self.spec.chunk):
            some = fresh[begin : begin + self.spec.chunk]
            last = begin + len(some) == len(fresh)
            if last and self.spec.after:  # the next listing begins at the cursor: what lies before it is not met again
                position.cursor = high
                position.given.keep_only(items.keys())
            yield self._chunk(some, position, last=last)

    def _refuse_other_key(self, since: Mapping[str, Any]) -> None:
        """Raise where the position was made with another key: its hashes mean nothing here."""
        if since.get("key", list(self.spec.key)) != list(self.spec.key):
            what = f"{self._where} was read with key = {since['key']}; now it has another."
            raise ConfigError(what, hint="give a listing with another key a source of its own, with a new name")

    def _list_items(self, fetcher: Fetcher, position: Position) -> list[tuple[str, Any]]:
        """Return the items of all pages that changed, with their offsets; `position` then knows these pages."""
        extra = {} if position.cursor is None else {self.spec.after: _go_back(position.cursor, self.spec.overlap)}
        asked = fingerprint([show_url(read_url(self.spec)), self.spec.records, self.spec.format, self.spec.page, extra])
        walk = Walk(self.spec, extra, position.pages if position.asked == asked else [])
        found: list[tuple[str, Any]] = []
        while not walk.done:
            number = walk.number
            items = self._take_page(fetcher, walk)
            found += [(f"page {number}:item {place}", item) for place, item in enumerate(items, start=1)]
            self._refuse_many(len(found))
        position.pages, position.asked = walk.pages, asked
        self._note = "" if position.given else walk.doubt
        return found

    def _take_page(self, fetcher: Fetcher, walk: Walk) -> list[Any]:
        """Return the items of the page where a walk stands, and let it go on."""
        reply = walk.ask(fetcher)
        if reply.status == 304 and walk.known is not None:
            walk.skip()
            return []
        if reply.status == 404 and walk.number > 1:
            walk.end()
            return []
        if reply.status != 200:
            what = f"{self._where}: the API answers with status {reply.status}."
            raise HostError(what, hint="check url of this source")
        where = self._where if self.spec.page.style == "none" else f"{self._where}: page {walk.number}"
        items, content = read_reply(reply, self.spec, where)
        walk.move(reply, len(items), content)
        return items

    def _refuse_many(self, items: int) -> None:
        if items > MOST:
            hint = "take such amounts from a database or from files"
            raise DataError(f"{self._where}: the listing has more than {MOST:,} items.", hint=hint)

    def _tell_apart(self, found: list[tuple[str, Any]]) -> dict[bytes, "Item"]:
        """Return the items by the hash of their key. Raises ConfigError where the key does not tell them apart."""
        here: dict[bytes, Item] = {}
        for offset, value in found:
            item = self._item(offset, value)
            other = here.setdefault(item.key, item)
            if other.content != item.content:
                what = f"{self._where}: {other.offset} and {item.offset} have one key and different content."
                raise ConfigError(what, hint=f"name what tells items apart: key = {list(self.spec.key)} does not")
        return here

    def _find_new(self, items: Mapping[bytes, "Item"], position: Position) -> list["Item"]:
        fresh = [item for item in items.values() if not position.given.holds(item.key, item.content)]
        if not self.spec.key and position.given and fresh:
            what = f"{self._where}: the reply has changed, and without a key nobody knows which items are new."
            raise ConfigError(what, hint="name the columns that tell items apart: key = [...]")
        self._refuse_many(0 if self.spec.after else len(position.given) + len(fresh))
        return fresh

    def _find_high(self, items: Mapping[bytes, "Item"], before: Any) -> Any:
        """Return the highest value of the cursor, in a listing and before it; items without one count as old."""
        if not self.spec.after:
            return None
        values = [item.value.get(self.spec.cursor) for item in items.values() if isinstance(item.value, dict)]
        try:
            return max((value for value in (before, *values) if value is not None), key=_as_moment, default=None)
        except TypeError:
            hint = "it is a number, or a time in one form"
            raise DataError(f"{self._where}: values of {self.spec.cursor} have no common order.", hint=hint) from None

    def _item(self, offset: str, value: Any) -> Item:
        content = _hash(value.text if isinstance(value, BadLine) else value)
        parts = [value.get(name) for name in self.spec.key] if isinstance(value, dict) else []
        whole = not parts or any(part is None or isinstance(part, (dict, list)) for part in parts)
        return Item(offset, value, content if whole else _hash(parts, b"key"), content)

    def _chunk(self, items: list[Item], position: Position, *, last: bool) -> Chunk:
        refusals = [self._refusal(item.value) for item in items]
        reasons = [
            refusal or find_misfit(item.value, position.sorts) for item, refusal in zip(items, refusals, strict=True)
        ]
        rejected = tuple(
            Rejected(item.offset, _show(item.value), reason)
            for item, reason in zip(items, reasons, strict=True)
            if reason
        )
        good = [item for item, reason in zip(items, reasons, strict=True) if not reason]
        for item in items:
            position.given.put(item.key, item.content)
        frame = build_frame([item.value for item in good], position.sorts).with_columns(
            pl.Series("_row", range(position.next_row, position.next_row + len(good)), dtype=pl.Int64),
            pl.Series("_offset", [item.offset for item in good], dtype=pl.String),
        )
        position.next_row += len(good)
        return Chunk(
            frame, {"key": list(self.spec.key), **position.as_json(pages=last)}, rejected, self._note if last else ""
        )

    def _refusal(self, value: Any) -> str:
        if isinstance(value, BadLine):
            return value.reason
        if not isinstance(value, dict):
            return "an item is no object"
        if not is_text(value):
            return "half a character (a lone surrogate) is no text"
        nothing = (None, "") if self.spec.is_text else (None,)
        lacking = [name for name in self.spec.key if value.get(name) in nothing]
        nested = [name for name in self.spec.key if isinstance(value.get(name), (dict, list))]
        if lacking or nested:
            return f"column {(lacking or nested)[0]}: the key is {'missing' if lacking else 'no plain value'}"
        return ""


def _go_back(cursor: Any, overlap: timedelta) -> str:
    """Return the text to ask with: a value of the cursor, an overlap earlier where it is a time."""
    moment = _as_moment(cursor)
    if not overlap:
        return str(cursor)
    if not isinstance(moment, datetime):
        hint = 'set overlap = "0s", or name a column of times as the cursor'
        raise ConfigError("overlap is a stretch of time, and the cursor is no time.", hint=hint)
    earlier = (moment - overlap).isoformat()
    return earlier.removesuffix("+00:00") + "Z" if str(cursor).endswith("Z") else earlier


def _as_moment(value: Any) -> Any:
    """Return a time where a text is one, so that times are compared as such in every form; else the value."""
    if isinstance(value, str) and value[4:5] == "-":
        with suppress(ValueError):
            return datetime.fromisoformat(value)
    return value


def _show(value: Any) -> str:
    text = value.text if isinstance(value, BadLine) else canonical(value)
    return text[:MAX_SHOWN].encode(errors="replace").decode()


def _hash(value: Any, of: bytes = b"item") -> bytes:
    """Return a short hash of a value; that of a key is never that of an item."""
    try:
        return hash_text(canonical(value), of)
    except RecursionError:
        raise DataError("an item of the reply is nested too deeply.", hint="ask the API for a flatter form") from None
