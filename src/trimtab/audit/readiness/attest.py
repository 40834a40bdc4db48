"""attestations.toml: what a person answers for, test by test, sealed and for a time only.

The seal is the SHA-256 of what was signed. It shows that a statement was changed after somebody put their name under
it; that the name is theirs, the history of the file in version control has to show.
"""

import hashlib
import json
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from trimtab.audit.readiness.rubric import BY_ID
from trimtab.errors import ConfigError, Mistake, UsageError, nearest
from trimtab.nouns import canonical

FILE = "attestations.toml"
FORMAT = 1
USUAL = timedelta(days=180)
LONGEST = timedelta(days=366)
KEYS = {"test": str, "who": str, "on": date, "until": date, "statement": str, "seal": str}
DIGITS = 32


@dataclass(frozen=True, slots=True)
class Attestation:
    """What somebody states about a test, from one day until another."""

    test: str
    who: str
    on: date
    until: date
    statement: str
    seal: str = ""

    def sealed(self, project: str) -> str:
        """Return the seal of this very statement in this project."""
        signed = (project, self.test, self.who, self.on.isoformat(), self.until.isoformat(), self.statement)
        return hashlib.sha256(canonical(signed).encode()).hexdigest()[:DIGITS]

    def objection(self, project: str, today: date) -> str:
        """Return why it does not count, or an empty text."""
        if self.seal != self.sealed(project):
            return f"what {self.who} signed was changed afterwards, or never sealed"
        if self.on > today:
            return f"it is dated {self.on}, which is still to come"
        if min(self.until, self.on + LONGEST) < today:
            return f"it held until {min(self.until, self.on + LONGEST)}"
        return ""


def read_attestations(folder: Path) -> tuple[Attestation, ...]:
    """Return what the file of a project says; nothing where there is no file.

    Raises ConfigError with every mistake: not TOML, an unknown test or key, a value of another kind.
    """
    try:
        plain = tomllib.loads((folder / FILE).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return ()
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"{folder / FILE} cannot be read: {error}.") from None
    mistakes = list(_find_mistakes(plain))
    if mistakes:
        raise ConfigError(f"{folder / FILE} has mistakes.", mistakes=mistakes, hint="docs/readiness.md shows the form")
    return tuple(Attestation(**one) for one in plain.get("attestation", ()))


def sign(folder: Path, project: str, attestation: Attestation) -> Attestation:
    """Append a statement to the file of a project, sealed, and return it.

    Raises UsageError for an unknown test or an empty statement.
    """
    if attestation.test not in BY_ID:
        known = nearest(attestation.test, BY_ID)
        raise UsageError(f"There is no test '{attestation.test}'{known}", hint="trimtab audit --project DIR lists them")
    if not attestation.statement.strip():
        raise UsageError("An attestation needs a statement.", hint='add --statement "..."')
    sealed = replace(attestation, seal=attestation.sealed(project))
    file = folder / FILE
    read_attestations(folder)
    text = file.read_text(encoding="utf-8") if file.exists() else f"format = {FORMAT}\n"
    file.write_text(f"{text}\n{_write(sealed)}", encoding="utf-8")
    return sealed


def _write(one: Attestation) -> str:
    texts = {"test": one.test, "who": one.who, "statement": one.statement, "seal": one.seal}
    lines = {name: json.dumps(text, ensure_ascii=False) for name, text in texts.items()}
    lines |= {"on": one.on.isoformat(), "until": one.until.isoformat()}
    return "[[attestation]]\n" + "".join(f"{name} = {lines[name]}\n" for name in KEYS)


def _find_mistakes(plain: Mapping[str, Any]) -> Iterator[Mistake]:
    if plain.get("format") != FORMAT:
        yield Mistake("format", f"must be {FORMAT}")
    yield from (Mistake(name, "is no key") for name in plain.keys() - {"format", "attestation"})
    entries = plain.get("attestation", [])
    if not isinstance(entries, list):
        yield Mistake("attestation", "must be tables: write [[attestation]]")
        return
    for place, entry in enumerate(entries, start=1):
        yield from _find_in_entry(f"attestation {place}", entry)


def _find_in_entry(where: str, entry: Mapping[str, Any]) -> Iterator[Mistake]:
    yield from (Mistake(f"{where}.{name}", f"is no key{nearest(name, KEYS)}") for name in entry.keys() - KEYS.keys())
    for name, kind in KEYS.items():
        value = entry.get(name, "" if name == "seal" else None)
        if type(value) is not kind:
            yield Mistake(f"{where}.{name}", f"must be {'a date' if kind is date else 'a text'}")
    test = entry.get("test")
    if isinstance(test, str) and test not in BY_ID:
        yield Mistake(f"{where}.test", f"'{test[:40]}' is no test{nearest(test, BY_ID)}")
