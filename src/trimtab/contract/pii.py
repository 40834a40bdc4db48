"""Personal values as keyed hashes: the same token for the same value, whether it came in a file or in a request.

A column with `pii = true` never leaves the check in clear: its cleaned value is a token. What is kept of a row as it
arrived is hidden by the same function first, and a token is read as what it stands for, so a row that was hidden on its
way fares as the clear one would. The token is HMAC-SHA256 (RFC 2104) of the cleaned text, cut to 128 bits.
"""

import hmac
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final

from trimtab.config.machine import pii_key
from trimtab.contract.reading import Read, UnreadableError, read_text
from trimtab.nouns.contract import Column, Contract
from trimtab.nouns.identity import canonical

TOKEN: Final = re.compile(r"pii:(?:([a-z_]+):)?[0-9a-f]{32}")
"""`pii:<hash>`, or `pii:<code>:<hash>` of a value that its column cannot accept."""

Hide = Callable[[object], str | None]
"""A value as it arrived -> its token, None where it is null; a token stays what it is."""


def hidden_columns(contract: Contract, source: str = "") -> tuple[Column, ...]:
    """Return the columns whose values are personal, in the row and in the raw rows of a source."""
    own = {column.name: column for column in (*contract.columns, *contract.raw.get(source, ())) if column.pii}
    return tuple(own.values())


def require_key(contract: Contract) -> None:
    """Return quietly where the contract can hide what it calls personal. Raises `ConfigError` where there is no key."""
    if any(column.pii for columns in (contract.columns, *contract.raw.values()) for column in columns):
        pii_key()


def compile_hide(column: Column) -> Hide:
    """Return the function that gives a value's token. Raises `ConfigError` where there is no key."""
    key = pii_key()
    read = read_text(replace(column, pii=False), text=False)

    def hide(value: object) -> str | None:
        if isinstance(value, str) and TOKEN.fullmatch(value):
            return value
        try:
            text = read(value)
        except UnreadableError as wrong:
            return f"pii:{wrong.code}:{_digest(key, _any_text(value))}"
        return None if text is None else f"pii:{_digest(key, str(text))}"

    return hide


def read_pii(column: Column) -> Read:
    """Return the reader of a personal column: tokens, for values that are in clear and for those hidden before."""
    hide = compile_hide(column)

    def read(value: object) -> str | None:
        token = hide(value)
        found = None if token is None else TOKEN.fullmatch(token)
        if found is not None and found[1]:
            raise UnreadableError(found[1])
        return token

    return read


def compile_hide_row(contract: Contract, source: str = "") -> Callable[[Mapping[str, object]], Mapping[str, object]]:
    """Return the function that gives a row as it may be kept: personal values as tokens, all else as it arrived."""
    hides = {column.name: compile_hide(column) for column in hidden_columns(contract, source)}
    if not hides:
        return lambda row: row

    def hide_row(row: Mapping[str, object]) -> Mapping[str, object]:
        return {name: hides[name](value) if name in hides else value for name, value in row.items()}

    return hide_row


def compile_hide_line(contract: Contract, source: str = "") -> Callable[[str], str]:
    """Return the function that gives a line as it may be kept that is no row: where a column is personal, its token."""
    if not hidden_columns(contract, source):
        return lambda line: line
    key = pii_key()
    return lambda line: line if TOKEN.fullmatch(line) else f"pii:{_digest(key, line)}"


def _digest(key: str, text: str) -> str:
    return hmac.digest(key.encode(), text.encode("utf-8", "surrogatepass"), "sha256").hex()[:32]


def _any_text(value: object) -> str:
    try:
        return value if isinstance(value, str) else canonical(value)
    except (TypeError, ValueError):
        return repr(value)
