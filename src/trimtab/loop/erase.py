"""A person's rows out of everything that is kept: tables with all their versions, quarantine, index, spool.

Models that were fitted on them are named, not changed; what stands in the sources themselves is not ours.
"""

import secrets
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from hashlib import sha256

import polars as pl

from trimtab import clock
from trimtab.loop.forward import forward
from trimtab.loop.person import Person, read_keys
from trimtab.loop.state import Wheel
from trimtab.nouns import Decision, Version, canonical
from trimtab.nouns.record import subject_of
from trimtab.store import open_claims, spool_folder
from trimtab.store.claims import Claims
from trimtab.store.erasure import erase_from, find_files, read_files
from trimtab.store.index import Index
from trimtab.store.spool import count_spooled, damaged_files

Tell = Callable[[str], None]
PATIENCE = 10.0
"""Seconds that living workers have to hand over what they hold."""
STATE = "erase"


@dataclass(frozen=True, slots=True)
class Erased:
    """What was erased, or would be.

    tables        rows that a reader saw, by table; older versions of a table lose theirs too
    versions      models already fitted on the rows, with how many each; they are not changed
    not_searched  tables that lack the columns by which the rows are known
    damaged       spool files that nobody can read, and that may hold some
    waiting       records in the spool that would be looked through too (with `dry_run` only)
    """

    tables: Mapping[str, int] = field(default_factory=dict)
    versions: Mapping[str, int] = field(default_factory=dict)
    not_searched: tuple[str, ...] = ()
    damaged: tuple[str, ...] = ()
    waiting: int = 0
    decision: Decision | None = None

    @property
    def rows(self) -> int:
        """Rows in all tables together."""
        return sum(self.tables.values())


def look(wheel: Wheel, words: Sequence[str]) -> Erased:
    """Return what `erase` would take away; nothing changes. Raises UsageError for a key that cannot be meant."""
    person = _find_person(wheel, words)
    present = {table: _count_present(wheel, table, person) for table in wheel.lake.tables()}
    return Erased(
        {table: rows for table, rows in present.items() if rows},
        {version.name: rows for version in wheel.catalog.versions() if (rows := _fitted_on(wheel, version, person))},
        _not_searched(wheel, person),
        damaged_files(spool_folder(wheel.project)),
        count_spooled(spool_folder(wheel.project)),
    )


def erase(wheel: Wheel, words: Sequence[str], *, by: str, tell: Tell) -> Erased:
    """Erase the rows, durably, and journal it without the key. A run that was cut short is completed by running again.

    Every version of every table keeps its number, so that a Snapshot still opens; it notes how many rows it lost.
    """
    with wheel.turn("erase"):
        forward(wheel, tell=tell, wait=PATIENCE)
        found = look(wheel, words)
        person = _find_person(wheel, words)
        begun = _begin(wheel, person, found)
        if not (begun or found.rows or found.versions or _is_anywhere(wheel, person)):
            return found
        # Before the Predictions go: by them a run that repeats this one knows their ids.
        wheel.index.remove(*_subjects(wheel.index, person))
        with closing(open_claims(wheel.project)) as claims:
            claims.remove(*_subjects(claims, person))
        for table in _in_order(wheel.lake.tables()):
            tell(f"erasing from {table}")
            with wheel.lake.explained(table):
                erase_from(wheel.lake.folder(table), person.find)
        tables, versions = begun or (found.tables, found.versions)
        decision = wheel.catalog.note_erasure(_decide(by, tables, versions), versions)
        wheel.catalog.put_state(STATE, {})
    return Erased(tables, versions, found.not_searched, found.damaged, decision=decision)


def _find_person(wheel: Wheel, words: Sequence[str]) -> Person:
    """Return who is meant, with the ids of all Predictions about them, whichever version of the table holds them."""
    columns = {name for table in wheel.lake.tables() for name in wheel.lake.read(table).collect_schema().names()}
    known = sorted(columns | {column.name for column in wheel.contract.columns})
    person = Person(wheel.contract, read_keys(words, wheel.contract, known))
    if wheel.lake.version("predictions") >= 0:
        files = read_files(wheel.lake.folder("predictions"))
        person.predictions = frozenset(id_ for _, rows in files for id_ in rows.filter(person.find(rows))["id"])
    return person


def _count_present(wheel: Wheel, table: str, person: Person) -> int:
    return int(person.find(wheel.lake.read(table).collect()).sum())


def _is_anywhere(wheel: Wheel, person: Person) -> bool:
    """Return whether any file of any version holds a row: one that is gone from the newest may stand in an old one."""
    return any(find_files(wheel.lake.folder(table), person.find) for table in wheel.lake.tables())


def _not_searched(wheel: Wheel, person: Person) -> tuple[str, ...]:
    tables = ((table, wheel.lake.read(table).collect_schema().names()) for table in wheel.lake.tables())
    return tuple(table for table, columns in tables if not person.can_be_in(columns))


def _in_order(tables: Sequence[str]) -> list[str]:
    """Return the tables, Predictions last: by their ids the Outcomes are known, also when a crash repeats all this."""
    return sorted(tables, key=lambda table: (table == "predictions", table))


def _begin(wheel: Wheel, person: Person, found: Erased) -> tuple[Mapping[str, int], Mapping[str, int]] | None:
    """Return the counts of an erasure of the same rows that was cut short, else None; note that this one begins."""
    state = wheel.catalog.get_state(STATE) or {}
    if state and state["who"] == _disguise(state["salt"], person):
        return state["tables"], state["versions"]
    if found.rows or found.versions:
        salt = secrets.token_hex(16)
        counts = {"tables": dict(found.tables), "versions": dict(found.versions)}
        wheel.catalog.put_state(STATE, {"salt": salt, "who": _disguise(salt, person), **counts})
    return None


def _disguise(salt: str, person: Person) -> str:
    """Return a text that tells one key from another while an erasure lasts, and is forgotten with its salt."""
    return sha256((salt + canonical(person.wanted)).encode()).hexdigest()


def _subjects(known: Index | Claims, person: Person) -> tuple[Sequence[str], Sequence[str]]:
    """Return what index or claims know of the person: Predictions by id, and subjects of Outcomes."""
    keys = [subject for subject in known.subjects() if person.is_in_text(subject.removeprefix("key:"))]
    return sorted(person.predictions), [*keys, *(subject_of(id_, None) for id_ in person.predictions)]


def _fitted_on(wheel: Wheel, version: Version, person: Person) -> int:
    """Return how many of the rows stood in a Version's Snapshot with their label; a key counts once."""
    snapshot = version.snapshot
    arrived = pl.col("_arrived_at") <= snapshot.as_of
    outcomes = wheel.lake.read("outcomes", version=snapshot.pins.get("outcomes", -1)).collect()
    keys = outcomes["key"].drop_nulls().implode()
    answered = outcomes["prediction_id"].drop_nulls().implode()
    count, seen = 0, set[str]()
    for table, pin in snapshot.pins.items():
        if table == "outcomes":
            continue
        rows = wheel.lake.read(table, version=pin).filter(arrived).collect()
        rows = rows.filter(person.find(rows)) if rows.height else rows
        key = "_key" if "_key" in rows.columns else "key"
        by_key = pl.col(key).is_in(keys) if key in rows.columns else pl.lit(value=False)
        own = pl.col("_label").is_not_null() if "_label" in rows.columns else pl.col("id").is_in(answered)
        labelled = rows.filter(by_key.fill_null(value=False) | own) if rows.height else rows
        names = labelled[key].to_list() if key in labelled.columns else [None] * labelled.height
        count += sum(name is None for name in names) + len({name for name in names if name} - seen)
        seen |= {name for name in names if name}
    return count


def _decide(by: str, tables: Mapping[str, int], versions: Mapping[str, int]) -> Decision:
    places = ", ".join(f"{table} ({rows:,})" for table, rows in tables.items()) or "older versions of tables only"
    fitted = ", ".join(f"{name} ({rows:,})" for name, rows in versions.items())
    told = f"already fitted on such rows, and not changed: {fitted}" if fitted else "no Version was fitted on such rows"
    moment = clock.now()
    return Decision("erase", f"person:{by}", (f"erased the rows of one key from {places}", told), moment, moment)
