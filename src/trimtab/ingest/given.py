"""What a source without an order has given: a short hash of each row's content, by a short hash of its key."""

import base64
import hashlib
from typing import Any, Self

SHORT = 8

MOST = 200_000
"""Rows that are remembered at most: about 4 MB of position."""


class Given:
    """The newest state given of each row; 64 bits a hash, so that two of 200,000 rows are hardly ever taken for one."""

    def __init__(self, known: dict[bytes, bytes] | None = None) -> None:
        self._known = known or {}

    @classmethod
    def load(cls, kept: str) -> Self:
        """Return what `as_text` gave."""
        data = base64.b64decode(kept)
        pairs = (data[at : at + 2 * SHORT] for at in range(0, len(data), 2 * SHORT))
        return cls({pair[:SHORT]: pair[SHORT:] for pair in pairs})

    def __len__(self) -> int:
        return len(self._known)

    def holds(self, key: bytes, content: bytes) -> bool:
        """Whether this content was the newest given for a key."""
        return self._known.get(key) == content

    def put(self, key: bytes, content: bytes) -> None:
        """Remember a state that is given now."""
        self._known[key] = content

    def keep_only(self, keys: Any) -> None:
        """Forget every row but these: the others have vanished, and are new should they come back."""
        self._known = {key: content for key, content in self._known.items() if key in keys}

    def as_text(self) -> str:
        """Return a copy as text."""
        return base64.b64encode(b"".join(key + content for key, content in sorted(self._known.items()))).decode()


def hash_text(text: str, of: bytes) -> bytes:
    """Return a short hash of a text; `of` says of what, so that a key's hash is never that of a content."""
    return hashlib.blake2b(text.encode(errors="surrogatepass"), digest_size=SHORT, person=of).digest()
