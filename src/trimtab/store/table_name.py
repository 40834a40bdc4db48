"""Where a table stands on disk: names that nobody's tools trip over, and paths that deltalake cannot open.

`raw/Übung 1` is the folder `raw/Übung~201`: every character but letters, digits, `_`, `-` and `.` is written as `~` and
two hex digits for each of its UTF-8 bytes, and so is a leading `.` or `_`, which readers take for hidden. Columns need
nothing of the kind: Delta keeps any name.
"""

import re
from pathlib import Path

from trimtab.errors import StoreError, UsageError

_ODD = re.compile(r"[^\w.-]|(?<!.)[._]", re.DOTALL)
_ESCAPED = re.compile(r"(?:~[0-9a-f]{2})+")
# deltalake 1.6.6 takes a path for part of a URL: these panic, or are looked for under another name.
_CANNOT_OPEN = re.compile(r"[\x00-\x1f\x7f\[\]^|\\]|%[0-9A-Fa-f]{2}")


def table_folder(root: Path, table: str) -> Path:
    """Return the folder of a table.

    Raises:
        UsageError: the name is empty.
        StoreError: deltalake cannot open files under `root`.
    """
    check_root(root)
    group, _, name = table.partition("/")
    if not group or table.endswith("/"):
        raise UsageError(f"'{table}' cannot name a table.", hint="a table is called like clean or raw/flights")
    return root / escape(group) / escape(name) if name else root / escape(group)


def check_root(root: Path) -> None:
    """Return if deltalake can open files under `root`.

    Raises:
        StoreError: it cannot; the message names the characters.
    """
    odd = sorted(set(_CANNOT_OPEN.findall(str(root.resolve()))))
    if odd:
        raise StoreError(
            f"the lake cannot be kept in {root}: deltalake cannot open a path with {' '.join(map(repr, odd))}.",
            hint="rename that folder; spaces, accents and most signs are fine, only [ ] ^ | \\ and %41 are not",
        )


def escape(name: str) -> str:
    """Return a name as it is written on disk.

    >>> escape("Übung 1;final"), escape("flights"), escape(".x")
    ('Übung~201~3bfinal', 'flights', '~2ex')
    """
    return _ODD.sub(lambda found: "".join(f"~{byte:02x}" for byte in found[0].encode()), name)


def unescape(written: str) -> str:
    """Return the name that `escape` wrote.

    >>> unescape("Übung~201~3bfinal")
    'Übung 1;final'
    """
    return _ESCAPED.sub(lambda found: bytes.fromhex(found[0].replace("~", "")).decode(), written)
