"""monitor.4: how old the model is and how old the newest row of each source, against what the project allows."""

from datetime import datetime, timedelta

import polars as pl

from trimtab import clock
from trimtab.audit.readiness.check import Check
from trimtab.audit.readiness.found import Found
from trimtab.audit.readiness.ground import Ground
from trimtab.nouns import State

OLDEST = timedelta(days=90)
"""What a model or a table may be old where the project does not say otherwise."""


def check_age(ground: Ground) -> Found:
    """Compare ages with the limit, in the time in which rows arrive."""
    version, now = ground.champion[1], clock.now()
    model = now - version.snapshot.as_of
    tables = {spec.name: _age(ground, spec.name, now) for spec in ground.project.sources}
    known = {name: age for name, age in tables.items() if age is not None}
    old = [name for name, age in known.items() if age > OLDEST]
    numbers = {"model_days": round(model / timedelta(days=1), 2), "limit_days": OLDEST.days}
    numbers |= {f"{name}_days": round(age / timedelta(days=1), 2) for name, age in known.items()}
    oldest = max(known.values(), default=timedelta(0))
    said = (
        f"{version.name} knows what was known {_days(model)} ago; the newest rows of {len(known)} sources are at most "
        f"{_days(oldest)} old; allowed are {OLDEST.days} days"
    )
    evidence = (f"Version {version.name}, as of {version.snapshot.as_of:%Y-%m-%d}",)
    if model > OLDEST:
        return Found(State.FAIL, said, "let the loop retrain: [retrain] every, or `trimtab train`", evidence, numbers)
    if old:
        return Found(State.FAIL, said, f"nothing came from {', '.join(old)} for long", evidence, numbers)
    return Found(State.PASS, said, "", evidence, numbers)


def _age(ground: Ground, source: str, now: datetime) -> timedelta | None:
    newest = ground.wheel.lake.read(f"raw/{source}").select(pl.col("_arrived_at").max()).collect().item()
    return now - newest if isinstance(newest, datetime) else None


def _days(age: timedelta) -> str:
    return f"{age / timedelta(days=1):.1f} days"


CHECK = Check("monitor.4", "the age of the model and of each source", check_age)
