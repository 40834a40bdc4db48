"""Everything trimtab raises on purpose, drawn as a tree.

    TrimtabError
    ├── UsageError              what was typed or asked makes no sense             exit 2
    │   ├── ConfigError         trimtab.toml, contract.toml or the environment     exit 2
    │   └── NotBuiltYet         a documented feature of a later release            exit 2
    ├── DataError               the data cannot carry what was asked               exit 1
    ├── Refused                 a check or a gate said no                          exit 1
    ├── VersionError            a Version on disk is incomplete, altered or wrong  exit 1
    └── HostError               the machine: disk, port, lock, network             exit 3
        ├── Busy                another process holds what this one needs          exit 3
        ├── StoreError          lake, catalog, spool or blobs cannot be used       exit 3
        └── SpoolFull           an answer cannot be kept                           exit 3

A message says what is wrong, where, and what to do next. Several mistakes of one input travel together as `mistakes`.
Judgements (pass, fail, cannot tell) are values, never exceptions: see `trimtab.nouns.verdict`.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches


class TrimtabError(Exception):
    """The root: an error whose message is written for the person who reads it.

    `hint` is the next thing to do; `mistakes` holds every single mistake where an input had more than one.
    """

    exit_code = 1

    def __init__(self, message: str, *, hint: str = "", mistakes: Iterable["Mistake"] = ()) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.mistakes = tuple(mistakes)

    def __str__(self) -> str:
        """Return message, mistakes and hint, a line each."""
        lines = [self.message, *(f"  {mistake}" for mistake in self.mistakes)]
        if self.hint:
            lines.append(f"Next: {self.hint}")
        return "\n".join(lines)


@dataclass(frozen=True, slots=True)
class Mistake:
    """One thing wrong at one place of an input: `where` is a dotted key, a column or a file with its line."""

    where: str
    what: str

    def __str__(self) -> str:
        return f"{self.where}: {self.what}"


class UsageError(TrimtabError):
    """What was typed or asked makes no sense as it stands."""

    exit_code = 2


class ConfigError(UsageError):
    """A configuration file or variable has mistakes; all of them are in `mistakes`."""


class NotBuiltYet(UsageError):
    """A documented setting or verb whose feature is not in this release; it is refused, never ignored."""


class DataError(TrimtabError):
    """The data cannot carry what was asked of it: too few rows, one class, an empty table, an unreadable file."""


class Refused(TrimtabError):
    """A check or a gate said no, and the verb's purpose was that check."""


class VersionError(TrimtabError):
    """A Version on disk is incomplete, altered, or does not answer its golden rows."""


class HostError(TrimtabError):
    """The machine cannot give what is needed: disk, port, lock, network, a system library."""

    exit_code = 3


class Busy(HostError):
    """Another process holds the lock, lease or port that this one needs."""


class StoreError(HostError):
    """The lake, the catalog, a spool or the blobs cannot be read or written."""


class SpoolFull(HostError):
    """An answer cannot be kept, so with `log = "required"` it must not be given."""


def nearest(name: str, known: Iterable[str]) -> str:
    """Return `; did you mean 'x'?` for the known name most like `name`, or an empty string.

    >>> nearest("reguired", ["required", "role"])
    "; did you mean 'required'?"
    >>> nearest("zzz", ["required", "role"])
    ''
    """
    close = get_close_matches(name, sorted(known), n=1, cutoff=0.6)
    return f"; did you mean '{close[0]}'?" if close else ""
