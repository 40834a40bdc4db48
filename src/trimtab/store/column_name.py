"""Columns whose names differ only in case: Delta takes `A` and `a` for one, a CSV file does not.

The one that comes second is written with `~` and a number whose binary digits mark its capital letters: beside a stored
`A`, `a` is written `a~0`, and `aA` beside `AA` is `aA~2`. A name that already ends like that gets its own mark, so that
`read_name` undoes it whatever the table holds. All other names, odd as they may be, are written as they are.
"""

import re
from collections.abc import Iterable

_MARKED = re.compile(r"(.*)~[0-9a-f]+", re.DOTALL)


def write_names(names: Iterable[str], stored: Iterable[str]) -> dict[str, str]:
    """Return how each column is written in a table that holds the `stored` ones (as they are written).

    >>> write_names(["A", "a", "b~1"], [])
    {'A': 'A', 'a': 'a~0', 'b~1': 'b~1~0'}
    """
    known = {read_name(name): name for name in stored}
    taken = {name.lower() for name in known.values()}
    written = {}
    for name in names:
        plain = name.lower() not in taken and not _MARKED.fullmatch(name)
        fresh = name if plain else f"{name}~{_capitals(name):x}"
        written[name] = known.get(name, fresh)
        taken.add(written[name].lower())
    return written


def read_name(written: str) -> str:
    """Return the name of a column that is written so.

    >>> read_name("a~0"), read_name("b~1~0"), read_name("c")
    ('a', 'b~1', 'c')
    """
    marked = _MARKED.fullmatch(written)
    return marked[1] if marked else written


def _capitals(name: str) -> int:
    return sum(1 << place for place, letter in enumerate(name) if letter != letter.lower())
