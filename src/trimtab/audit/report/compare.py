"""What has changed since an older report."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from trimtab.audit.report.facts import SCHEMA
from trimtab.errors import UsageError

_WORSE = ("PASS", "N/A", "MANUAL", "WARN", "ERROR", "FAIL")


def read_report(file: Path) -> Mapping[str, Any]:
    """Return an older --json report. Raises UsageError where it is none."""
    hint = "a file that `trimtab audit URL --json` wrote"
    try:
        facts = json.loads(file.read_text(encoding="utf-8"))
    except (ValueError, RecursionError):
        raise UsageError(f"{file} is no JSON.", hint=hint) from None
    if not isinstance(facts, dict) or not isinstance(facts.get("probes"), list):
        raise UsageError(f"{file} is no report of an audit.", hint=hint)
    if facts.get("schema") != SCHEMA:
        raise UsageError(f"{file} has schema {facts.get('schema')}, not {SCHEMA}.", hint=hint)
    return facts


def compare_reports(older: Mapping[str, Any], newer: Mapping[str, Any]) -> tuple[str, ...]:
    """Return each change in words: what got worse first, then what got better, new or gone, then the numbers."""
    return tuple(_changes(older, newer))


def _changes(older: Mapping[str, Any], newer: Mapping[str, Any]) -> Iterator[str]:
    before = {probe["id"]: probe for probe in older["probes"]}
    after = {probe["id"]: probe for probe in newer["probes"]}
    both = [name for name in after if name in before and after[name]["state"] != before[name]["state"]]
    ranks = {name: _rank(after[name]) - _rank(before[name]) for name in both}
    for name in sorted(both, key=lambda one: -ranks[one]):
        how = "worse" if ranks[name] > 0 else "better"
        yield f"{how}: {name} was {before[name]['state']}, is {after[name]['state']}: {after[name]['said']}"
    yield from (f"new: {name} is {after[name]['state']}" for name in after.keys() - before.keys())
    yield from (f"gone: {name} was {before[name]['state']}" for name in before.keys() - after.keys())
    if older["score"] != newer["score"]:
        yield f"score {older['score']:g} -> {newer['score']:g}"
    if older.get("rubric") != newer["rubric"]:
        yield f"the rubric was {older.get('rubric')}, is {newer['rubric']}: not all changes are the service's"


def _rank(probe: Mapping[str, Any]) -> int:
    return _WORSE.index(probe["state"])
