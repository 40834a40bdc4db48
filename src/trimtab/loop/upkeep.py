"""The lake kept small: old rows expire, small files are merged, files of no version go. Pinned Snapshots stay whole."""

from collections import defaultdict
from collections.abc import Callable
from datetime import datetime, timedelta

from trimtab import clock
from trimtab.loop.state import Wheel
from trimtab.metrics.figures import count
from trimtab.store.upkeep import Upkeep, keep_up

Tell = Callable[[str], None]
EVERY = timedelta(days=1)
STATE = "upkeep"


def tidy(wheel: Wheel, *, dry_run: bool = False, tell: Tell) -> tuple[Upkeep, ...]:
    """Return what was done, or would be, to each table that needed something."""
    if dry_run:
        return _tidy(wheel, tell, dry_run=True)
    with wheel.turn("store tidy"):
        return _tidy(wheel, tell, dry_run=False)


def tidy_when_due(wheel: Wheel, *, tell: Tell) -> tuple[Upkeep, ...]:
    """Do the same within a turn, once a day. Otherwise it costs one look into the catalog."""
    last = wheel.catalog.get_state(STATE)
    if last is not None and clock.now() - clock.parse(last["at"]) < EVERY:
        return ()
    return _tidy(wheel, tell, dry_run=False)


def _tidy(wheel: Wheel, tell: Tell, *, dry_run: bool) -> tuple[Upkeep, ...]:
    now, pins = clock.now(), _pins(wheel)
    done = []
    for table in wheel.lake.tables():
        before = _expires(wheel, table, now)
        did = keep_up(wheel.lake, table, pins=pins[table], now=now, before=before, dry_run=dry_run)
        if did != Upkeep(table):
            done.append(did)
            tell(f"{table}: {describe(did)}")
    if not dry_run:
        wheel.catalog.put_state(STATE, {"at": now.isoformat()})
    return tuple(done)


def describe(did: Upkeep) -> str:
    """Return what was done to a table, as part of a sentence."""
    return (
        f"{count(did.expired, 'row')} expired, {count(did.merged, 'file')} merged, "
        f"{count(did.dropped, 'old file')} dropped ({did.freed / 1e6:,.1f} MB)"
    )


def _expires(wheel: Wheel, table: str, now: datetime) -> datetime | None:
    """Return the moment before which a table's rows are too old, or None.

    With a pipeline raw rows stay: the newest state of a source is what others are joined with, however old it is.
    """
    keep = wheel.project.keep
    joined = table.startswith("raw/") and wheel.project.pipeline.file is not None
    return None if keep is None or joined else now - keep


def _pins(wheel: Wheel) -> dict[str, set[int]]:
    pins: dict[str, set[int]] = defaultdict(set)
    for version in wheel.catalog.versions():
        for table, number in version.snapshot.pins.items():
            pins[table].add(number)
    return pins
