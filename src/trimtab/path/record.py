"""A person's own record: what was logged, tried and told, in one small file in the user's data folder.

Nothing in it is ever overwritten: entries, attempts and sittings are added as events, and a mistaken entry is struck
out by another event. Moments are UTC. Where the machine's clock was turned back, ages and waiting times count from the
moment at which that was noticed, so that none is ever below zero.
"""

import sys
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, Literal, TypeVar

import msgspec

from trimtab.config import environment
from trimtab.errors import HostError
from trimtab.nouns import State
from trimtab.path import record_file
from trimtab.path.record_file import Damaged, speak

Kind = Literal["study", "course", "certificate", "project"]
Purpose = Literal["exam", "diagnose", "practice", "reported"]
Noted = TypeVar("Noted")
DRIFT = timedelta(minutes=2)  # a clock may be set right by as much without a word


@dataclass(frozen=True, slots=True)
class Entry:
    """Something the person did: hours of study, a course, a certificate, a project."""

    kind: Kind
    on: date
    name: str = ""
    hours: float = 0.0
    stage: int | None = None
    live: str = ""
    note: str = ""
    number: int = 0


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try at a stage's test. `reported` ones were taken elsewhere; only an `exam` can mark a stage as passed."""

    stage: int
    purpose: Purpose
    state: State
    at: datetime
    passed: int = 0
    tasks: int = 0
    seconds: float = 0.0
    sandboxed: bool = True
    skills: dict[str, State] = field(default_factory=dict)
    submission: str = ""
    note: str = ""
    number: int = 0


@dataclass(frozen=True, slots=True)
class Sitting:
    """A paper that was handed out: where it lies, its seed, and until when it may be handed in."""

    what: str
    purpose: Purpose
    at: datetime
    folder: str
    seed: int
    minutes: int
    number: int = 0


class Record:
    """What is known about one person. Made by `open_record`; `notices` must be shown to them."""

    def __init__(self, file: Path, now: datetime) -> None:
        self.file = file
        self.now = now
        self.notices: list[str] = []
        self._turned_back: datetime | None = None

    def entries(self) -> tuple[Entry, ...]:
        """Return what was logged, in the order of logging, without what was struck out."""
        struck = set(self._read("struck", int).values())
        return tuple(replace(entry, number=n) for n, entry in self._read("entry", Entry).items() if n not in struck)

    def attempts(self, stage: int | None = None) -> tuple[Attempt, ...]:
        """Return the attempts, of one stage or of all, oldest first."""
        every = (replace(attempt, number=n) for n, attempt in self._read("attempt", Attempt).items())
        return tuple(attempt for attempt in every if stage in {None, attempt.stage})

    def sittings(self, *, closed: bool = False) -> tuple[Sitting, ...]:
        """Return the papers that were handed out and not yet handed in (with `closed`, all), oldest first."""
        done = set() if closed else set(self._read("closed", int).values())
        return tuple(replace(one, number=n) for n, one in self._read("sitting", Sitting).items() if n not in done)

    def add(self, noted: Entry | Attempt | Sitting) -> int:
        """Keep one of these and return its number."""
        return self._write((type(noted).__name__.lower(), noted))[0]

    def strike(self, entry: Entry) -> None:
        """Strike out a logged entry; it stays in the file, but counts no more."""
        self._write(("struck", entry.number))

    def finish(self, sitting: Sitting, attempt: Attempt | None = None) -> None:
        """Close a sitting, and keep the attempt that it became, both or neither."""
        self._write(("closed", sitting.number), *((("attempt", attempt),) if attempt else ()))

    def told(self) -> frozenset[str]:
        """Return the keys of what was already said to the person."""
        return frozenset(self._read("told", str).values())

    def remember_told(self, *keys: str) -> None:
        """Remember that something was said, so that it is not said again."""
        if keys:
            self._write(*(("told", key) for key in keys))

    def setting(self, name: str, kind: type[Noted]) -> Noted | None:
        """Return a setting, or None where it was never made or no longer fits."""
        with speak(self.file) as connection:
            row = connection.execute("SELECT body FROM setting WHERE name = ?", (name,)).fetchone()
        try:
            return msgspec.json.decode(row[0], type=kind) if row else None
        except msgspec.MsgspecError:
            return None

    def put(self, name: str, value: object) -> None:
        """Keep a setting; None removes it."""
        with speak(self.file) as connection:
            connection.execute("DELETE FROM setting WHERE name = ?", (name,))
            if value is not None:
                body = msgspec.json.encode(value)
                connection.execute("INSERT INTO setting (name, body) VALUES (?, ?)", (name, body))

    def since(self, moment: datetime) -> timedelta:
        """Return how long ago that was; never below zero, also where the clock was turned back in between."""
        if moment <= self.now:
            return self.now - moment
        return max(self.now - self._turned_back, timedelta(0)) if self._turned_back else timedelta(0)

    @property
    def clock_turned_back(self) -> bool:
        """Whether the machine's clock stands before the last event."""
        return self._turned_back is not None

    def today(self) -> date:
        """Return the date where the person is."""
        return self.now.astimezone().date()

    def watch_clock(self) -> None:
        """Notice a clock that was turned back, remember since when, and forget it once it is right again."""
        with speak(self.file) as connection:
            (latest,) = connection.execute("SELECT max(at) FROM event").fetchone()
        last = datetime.fromisoformat(latest) if latest else self.now
        noticed = self.setting("clock_turned_back", datetime)
        if self.now >= last - DRIFT:
            if noticed:
                self.put("clock_turned_back", None)
            return
        self._turned_back = min(noticed, self.now) if noticed else self.now
        if self._turned_back != noticed:
            self.put("clock_turned_back", self._turned_back)
        self.notices.append(
            f"This machine's clock stands before your last entry ({last.astimezone():%Y-%m-%d %H:%M}): was it turned "
            "back? Nothing is lost. Until it is right, ages and waiting times count from when this was noticed."
        )

    def check_events(self) -> None:
        """Read every event once; Damaged where one cannot be understood."""
        self.entries(), self.attempts(), self.sittings(), self.told()

    def _read(self, kind: str, shape: type[Noted]) -> dict[int, Noted]:
        query = "SELECT number, body FROM event WHERE kind = ? ORDER BY number"
        with speak(self.file) as connection:
            rows = connection.execute(query, (kind,)).fetchall()
        try:
            return {number: msgspec.json.decode(body, type=shape) for number, body in rows}
        except (msgspec.MsgspecError, TypeError) as error:
            raise Damaged(str(error)) from error

    def _write(self, *events: tuple[str, object]) -> list[int]:
        add = "INSERT INTO event (at, kind, body) VALUES (?, ?, ?)"
        with speak(self.file) as connection:
            rows = [
                (self.now.isoformat(timespec="microseconds"), kind, msgspec.json.encode(body)) for kind, body in events
            ]
            return [connection.execute(add, row).lastrowid or 0 for row in rows]


def home() -> Path:
    """Return the folder of the record: `TRIMTAB_PATH_HOME`, else `trimtab` in the user's data folder."""
    chosen = environment("TRIMTAB_PATH_HOME")
    if chosen:
        return Path(chosen).expanduser()
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support" / "trimtab"
    shared = Path(environment("XDG_DATA_HOME"))
    return (shared if shared.is_absolute() else Path.home() / ".local" / "share") / "trimtab"


def open_record(now: datetime, folder: Path | None = None) -> Record:
    """Return the person's record, made where there is none yet.

    A damaged file is kept aside under another name, a fresh one takes over what can still be read, and `notices` says
    so. HostError where the folder cannot be written.
    """
    file = (folder or home()) / record_file.NAME
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        if not file.exists():
            record_file.make(file)
    except OSError as error:
        raise HostError(
            f"{file.parent} cannot hold your record: {error.strerror}.",
            hint="name a folder that you may write to in TRIMTAB_PATH_HOME",
        ) from error
    record = Record(file, now)
    try:
        record_file.prove(file)
        record.check_events()
        record.watch_clock()
    except (Damaged, ValueError) as error:
        record = _begin_again(file, now, str(error))
    return record


def _begin_again(file: Path, now: datetime, why: str) -> Record:
    aside = record_file.set_aside(file, now)
    record_file.make(file)
    record = Record(file, now)
    saved = _take_over(aside, record)
    record.notices.append(
        f"Your record could not be read ({why}). The damaged file is kept as {aside}; a fresh one was made, and "
        f"{saved} {'event' if saved == 1 else 'events'} could be taken over. Next: compare, or put a backup in place."
    )
    record.watch_clock()
    return record


def _take_over(aside: Path, record: Record) -> int:
    """Copy what can still be read and understood; return how many events."""
    saved = 0
    with speak(record.file) as connection:
        for row in _sound(record_file.salvage(aside, "event", "number, at, kind, body")):
            connection.execute("INSERT OR IGNORE INTO event (number, at, kind, body) VALUES (?, ?, ?, ?)", row)
            saved += 1
        for name, body in record_file.salvage(aside, "setting", "name, body"):
            if isinstance(name, str) and isinstance(body, bytes):
                connection.execute("INSERT OR IGNORE INTO setting (name, body) VALUES (?, ?)", (name, body))
    return saved


SHAPES: dict[str, Any] = {
    "entry": Entry,
    "attempt": Attempt,
    "sitting": Sitting,
    "struck": int,
    "closed": int,
    "told": str,
}


def _sound(rows: Iterator[tuple[object, ...]]) -> Iterator[tuple[int, str, str, bytes]]:
    """Yield the events among some rows that can be understood."""
    for row in rows:
        try:
            number, at, kind, body = msgspec.convert(row, type=tuple[int, str, str, bytes], builtin_types=(bytes,))
            moment = datetime.fromisoformat(at)
            msgspec.json.decode(body, type=SHAPES[kind])
        except (msgspec.MsgspecError, ValueError, KeyError):
            continue
        if moment.tzinfo is not None:
            yield number, at, kind, body
