"""A real HTTP server on loopback that answers as a test says."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from trimtab.nouns import SourceSpec
from trimtab.nouns.project import PageSpec

PAGED = PageSpec("page", "page", "size", 2)
Answer = tuple[int, Mapping[str, str], bytes]


@dataclass
class Api:
    """A real server on loopback. `answer` says what it does; `asked` is what it was asked, with the headers."""

    answer: Callable[[Mapping[str, str], Mapping[str, str]], Answer] = lambda _, __: (200, {}, b"[]")
    asked: list[tuple[str, Mapping[str, str]]] = field(default_factory=list)
    port: int = 0

    def give(self, *pages: Any, count: bool = True, etag: bool = False) -> None:
        """Answer with these pages of items, and an empty one behind them."""

        def answer(query: Mapping[str, str], headers: Mapping[str, str]) -> Answer:
            number = int(query.get("page", "1"))
            items = pages[number - 1] if number <= len(pages) else []
            body = json.dumps({"items": items, **({"pages": len(pages)} if count else {})}).encode()
            mark = f'"{hash(body)}"'
            if etag and headers.get("If-None-Match") == mark:
                return 304, {"ETag": mark}, b""
            return 200, {"ETag": mark} if etag else {}, body

        self.answer = answer

    def say(self, status: int, body: bytes = b"", **headers: str) -> None:
        self.answer = lambda _, __: (status, {name.replace("_", "-"): text for name, text in headers.items()}, body)

    def spec(self, **more: Any) -> SourceSpec:
        url = f"http://127.0.0.1:{self.port}/planes"
        plain = SourceSpec("planes", "api", url=url, format="json", key=("id",), allow_private=True, retries=2)
        return replace(plain, timeout=timedelta(seconds=1), **{"records": "items", **more})
