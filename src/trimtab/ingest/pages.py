"""How a listing is walked, page by page: by number, by offset, by a cursor in the reply, or by the link it names."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from trimtab.errors import ConfigError, DataError
from trimtab.ingest.fetching import Fetcher, Reply
from trimtab.ingest.replies import look_up
from trimtab.nouns import SourceSpec
from trimtab.nouns.project import PageSpec

MAX_PAGES = 10_000


@dataclass(frozen=True, slots=True)
class Page:
    """One page as it was last seen: ETag, number of items, how many pages the API spoke of (0: not), its place."""

    etag: str
    items: int
    pages: int
    at: str = ""


class Walk:
    """One walk through a listing: `ask` gets the page where it stands, `move` goes on; `done` when there is none.

    ETags are used where a page has a lasting name: its number or offset. A cursor or link is the server's own business.
    """

    def __init__(self, spec: SourceSpec, extra: Mapping[str, str], before: list[Page]) -> None:
        self._page: PageSpec = spec.page
        self._where = f"[sources.{spec.name}]"
        self._before = before if spec.page.style in {"none", "page", "offset"} else []
        self._extra = extra
        self._size = {spec.page.size_param: str(spec.page.size)} if spec.page.size_param else {}
        self._at = {"page": "1", "offset": "0"}.get(spec.page.style, "")
        self._met = {self._at}
        self._last_body = b""
        self.pages: list[Page] = []
        self.done = False
        self.doubt = ""

    @property
    def number(self) -> int:
        """The number of the page where it stands, from 1."""
        return len(self.pages) + 1

    @property
    def known(self) -> Page | None:
        """This page as it was seen before, if it was."""
        old = self._before[self.number - 1] if self.number <= len(self._before) else None
        return old if old and old.at == self._at else None

    def ask(self, fetcher: Fetcher) -> Reply:
        """Return the reply for the page where it stands."""
        if self._page.style == "link" and self._at:
            return fetcher.follow(self._at)
        param = {self._page.param or self._page.style: self._at} if self._at else {}
        return fetcher.get({**self._extra, **param, **self._size}, self.known.etag if self.known else "")

    def skip(self) -> None:
        """Take this page as unchanged since it was seen before."""
        if self.known is not None:
            self._go(self.known, "")

    def end(self) -> None:
        """Take this page as behind the last one: some APIs answer 404 there."""
        self._go(Page("", 0, 0, self._at), "")

    def move(self, reply: Reply, items: int, content: Any) -> None:
        """Go on behind a page of so many items. Raises ConfigError or DataError where that leads in a circle."""
        if reply.body and items and reply.body == self._last_body and self._page.style in {"page", "offset"}:
            param = self._page.param or self._page.style
            hint = f"does the API take '{param}'? Set page to how it cuts its reply"
            raise ConfigError(f"{self._where}: pages {self.number - 1} and {self.number} are the same.", hint=hint)
        self._last_body = reply.body
        pages = content.get("pages") if isinstance(content, dict) else None
        known = pages if isinstance(pages, int) and not isinstance(pages, bool) and pages > 0 else 0
        self._go(Page(reply.etag, items, known, self._at), self._find_next(reply, items, content))

    def _go(self, page: Page, following: str) -> None:
        self.pages.append(page)
        if self._page.style in {"page", "offset"}:
            seen = sum(one.items for one in self.pages)
            following = "" if _is_last(self.pages, self._page.size) else str(seen)
            following = str(self.number) if following and self._page.style == "page" else following
        self.done = not following
        if following in self._met and following:
            what = f"{self._where}: page {len(self.pages)} leads back to a page that was read before."
            raise DataError(what, hint="the API goes in a circle: check page of this source")
        if len(self.pages) >= MAX_PAGES:
            raise DataError(
                f"{self._where}: the listing has more than {MAX_PAGES:,} pages.", hint="ask for larger pages"
            )
        self._met.add(following)
        self._at = following

    def _find_next(self, reply: Reply, items: int, content: Any) -> str:
        """Return the cursor or link of the next page; "" where there is none."""
        if self._page.style not in {"cursor", "link"}:
            return ""
        found: Any = reply.next
        lacking = not reply.next
        if self._page.next:
            found, lacking = look_up(content, self._page.next)
        if lacking and items and self.number == 1 and not (self._page.size_param and items < self._page.size):
            place = f"nothing at page.next = '{self._page.next}'" if self._page.next else "no Link to a next one"
            self.doubt = f"{self._where}: the first page has {place}; it is taken for the only one"
        if lacking or found is None or found is False:
            return ""
        if isinstance(found, (dict, list, bool)):
            raise DataError(f"{self._where}: what stands at page.next is no cursor.", hint="it is a text or a number")
        return str(found)


def _is_last(pages: list[Page], size: int) -> bool:
    """Whether a listing ends here: by the API's own count, at an empty page, or at a page shorter than the first.

    A first page shorter than asked for proves nothing: the API may have its own limit. Then one more page is asked for.
    """
    latest = pages[-1]
    if not latest.items:
        return True
    if latest.pages:
        return len(pages) >= latest.pages
    return len(pages) > 1 and latest.items < min(size, pages[0].items)
