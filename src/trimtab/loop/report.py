"""The state of the wheel in sentences, and all that is known about one Prediction or Decision."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
import polars as pl

from trimtab.errors import StoreError, UsageError, VersionError
from trimtab.loop.decided import explain_decision
from trimtab.loop.forward import PREDICTIONS, frame_of
from trimtab.loop.known import AsOf, load_outcomes, resolve
from trimtab.loop.state import Wheel
from trimtab.loop.tick import Measured, measure
from trimtab.loop.withdraw import standing
from trimtab.metrics.figures import count, figure
from trimtab.nouns import Decision, Trim, Version
from trimtab.nouns.identity import plain
from trimtab.retrain.policy import find_running, find_wait
from trimtab.store import spool_folder
from trimtab.store.spool import count_spooled, find_spooled

NEWEST = 20
"""Windows that a status shows; the record keeps them all."""
MOST_PARTS = 5
"""Columns that an explanation names; the others are added up."""


@dataclass(frozen=True, slots=True)
class Status:
    """The state in sentences for people, and the same as facts for programs (JSON-able)."""

    sentences: tuple[str, ...]
    facts: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Explained:
    """All about one Prediction or Decision: sentences, and the same as facts."""

    sentences: tuple[str, ...]
    facts: Mapping[str, Any]


def status(wheel: Wheel) -> Status:
    """Return how the wheel stands now; nothing is changed, nothing is forwarded."""
    at = resolve(wheel, None)
    standing = wheel.champion()
    counts = _counts(wheel)
    journal = wheel.catalog.journal()
    measured, broken = _try_measure(wheel, at) if standing else (None, "")
    sentences = [
        _about(wheel),
        _rows_sentence(counts),
        *((broken,) if broken else _standing_sentences(wheel, standing)),
        _answers_sentence(counts),
        *_measured_sentences(measured),
        *_last_decision(journal),
    ]
    facts = {
        "project": wheel.project.name,
        "question": wheel.project.question,
        "task": wheel.contract.target.task,
        "contract": wheel.contract.id,
        "epoch": standing[0].epoch if standing else 0,
        "champion": _version_facts(standing[1]) if standing else None,
        "rows": counts,
        "findings": plain(measured.findings) if measured else [],
        "windows": plain(measured.windows[-NEWEST:]) if measured else [],
        "decisions": len(journal),
        "broken": broken,
        "next": "train" if broken else _next_verb(standing, counts, measured, journal),
    }
    return Status(tuple(sentences), facts)


def _try_measure(wheel: Wheel, at: AsOf) -> tuple[Measured | None, str]:
    """Return what the outcomes say, or why the champion cannot be asked: a damaged Version must not hide the rest."""
    try:
        return measure(wheel, at), ""
    except (VersionError, StoreError) as error:
        return None, f"The champion cannot be opened: {error.message} `trimtab train` makes it anew from the same rows."


def _about(wheel: Wheel) -> str:
    question = wheel.project.question or f"predicts {wheel.contract.target.column}"
    return f"{wheel.project.name}: {question} ({wheel.contract.target.task})"


def _counts(wheel: Wheel) -> dict[str, int]:
    tables = {
        "clean": standing(wheel.lake.read(wheel.clean)),
        "quarantine": wheel.quarantined(),
        "predictions": wheel.lake.read("predictions"),
        "outcomes": wheel.lake.read("outcomes"),
    }
    heights = {name: int(table.select(pl.len()).collect().item()) for name, table in tables.items()}
    return {**heights, "waiting": count_spooled(spool_folder(wheel.project))}


def _rows_sentence(counts: Mapping[str, int]) -> str:
    return f"{count(counts['clean'], 'clean row')}, {counts['quarantine']:,} in quarantine."


def _answers_sentence(counts: Mapping[str, int]) -> str:
    kept = f"{count(counts['predictions'], 'prediction')} and {count(counts['outcomes'], 'outcome')} in the lake"
    waiting = f"; {count(counts['waiting'], 'record')} in the spool, for the next tick" if counts["waiting"] else ""
    return f"{kept}{waiting}."


def _standing_sentences(wheel: Wheel, standing: tuple[Trim, Version] | None) -> Sequence[str]:
    if standing is None:
        return ("Nothing is promoted yet.",)
    trim, version = standing
    package = wheel.package(version.id)
    risk = f", mean loss {figure(package.risk.value)} on rows it had not seen" if package.risk.rows else ""
    fitted = f"fitted on {count(version.snapshot.rows, 'row')}"
    return (f"{version.name} ({version.family}) answers since epoch {trim.epoch}; {fitted}{risk}.",)


def _measured_sentences(measured: Measured | None) -> Sequence[str]:
    if measured is None:
        return ()
    latest = [f"Newest window: {reason}." for window in measured.windows[-1:] for reason in window.judgement.reasons]
    triggers = [
        f"Trigger {finding.subject}: {'; '.join(finding.judgement.reasons)}{' - it fires' if finding.fires else ''}."
        for finding in measured.findings
    ]
    return (*latest, *triggers)


def _last_decision(journal: Sequence[Decision]) -> Sequence[str]:
    if not journal:
        return ()
    last = journal[-1]
    did = last.action.replace("_", " ")
    return (f"Last decision ({did}), {last.at:%Y-%m-%d %H:%M} UTC: {'; '.join(last.reasons)}.",)


def _next_verb(
    standing: object | None, counts: Mapping[str, int], measured: Measured | None, journal: Sequence[Decision]
) -> str:
    """Return what to do next: `ingest`, `train`, `tick` or `serve`."""
    if not counts["clean"]:
        return "ingest"
    if standing is None:
        return "train"
    due = measured is not None and any(finding.fires for finding in measured.findings)
    return "tick" if counts["waiting"] or find_running(journal) or (due and not find_wait(journal)) else "serve"


def _version_facts(version: Version) -> dict[str, Any]:
    return {
        "id": version.id,
        "name": version.name,
        "family": version.family,
        "rows": version.snapshot.rows,
        "made_at": version.made_at.isoformat(),
        "metrics": plain(version.metrics),
    }


def explain(wheel: Wheel, ref: str, run_again: Callable[[Mapping[str, Any]], Mapping[str, Any]]) -> Explained:
    """Return all about one Prediction (its id) or one Decision (its number or hash). Raises UsageError for neither.

    `run_again` is the serving side's: a logged Prediction to what moved its answer, and that answer made again.
    """
    decision = _find_decision(wheel, ref)
    if decision is not None:
        told = explain_decision(wheel, decision)
        return Explained(told.sentences, told.facts)
    record = _find_prediction(wheel, ref)
    if record is None:
        raise UsageError(
            f"Nothing is known as '{ref[:64]}'.", hint="give a prediction_id from a reply, or a Decision's number"
        )
    return _explain_prediction(wheel, record, run_again(record))


def _find_decision(wheel: Wheel, ref: str) -> Decision | None:
    for decision in wheel.catalog.journal():
        if ref == str(decision.number) or (len(ref) >= 8 and decision.hash.startswith(ref)):
            return decision
    return None


def _find_prediction(wheel: Wheel, identity: str) -> dict[str, Any] | None:
    body = find_spooled(spool_folder(wheel.project), "prediction", identity)
    if body is not None:
        return frame_of([msgspec.json.decode(body)], PREDICTIONS).row(0, named=True)
    return wheel.lake.find_prediction(identity)


def _explain_prediction(wheel: Wheel, record: Mapping[str, Any], made: Mapping[str, Any]) -> Explained:
    version = {"id": made["version_id"], "name": made["version"], "family": made["family"]}
    facts = {
        "prediction_id": record["id"],
        "asked_at": record["_event_at"].isoformat(),
        "arrived_at": record["_arrived_at"].isoformat(),
        "raw": json.loads(record["raw"]),
        "features": json.loads(record["features"]),
        "output": json.loads(record["output"]),
        "epoch": record["epoch"],
        "warnings": list(record["warnings"] or []),
        "fallback": record["fallback"],
        "outcome": _outcome_of(wheel, record),
        **{name: value for name, value in made.items() if name not in {"version_id", "family"}},
        "version": version,
    }
    return Explained(tuple(_prediction_sentences(facts)), facts)


def _prediction_sentences(facts: Mapping[str, Any]) -> Sequence[str]:
    shown = ", ".join(f"{name} {_tell_value(value)}" for name, value in facts["output"].items())
    version = facts["version"]
    lines = [
        f"Prediction {facts['prediction_id']}: {shown}.",
        f"Asked about {_minute(facts['asked_at'])}, arrived {_minute(facts['arrived_at'])}.",
        f"{version['name']} ({version['family']}) answered at epoch {facts['epoch']}.",
    ]
    lines += [f"Warnings: {', '.join(facts['warnings'])}."] if facts["warnings"] else []
    lines += _tell_members(facts["members"]) if "members" in facts else []
    if facts["explanation"] is not None or "members" not in facts:
        lines.append(_tell_explanation(facts["explanation"], version["family"], facts["calibration"]))
    outcome = facts["outcome"]
    lines.append(
        f"Outcome: {outcome['value']}, known {_minute(outcome['known_at'])}." if outcome else "No outcome yet."
    )
    lines.append("Run again on the logged row: the same answer." if facts["same"] else "Run again: ANOTHER answer.")
    return lines


def _tell_members(members: Sequence[Mapping[str, Any]]) -> Sequence[str]:
    """Return one sentence for each member of a Trim that is more than one plain Version."""
    lines = [f"{len(members)} members answered together, each at its weight."]
    for member in members:
        told = "left out, because its contract refuses the row."
        if not member["left_out"]:
            told = _tell_explanation(member["explanation"], member["family"], member["calibration"])
        lines.append(f"{member['version']} at {figure(member['weight'])}: {told}")
    return lines


def _tell_explanation(explanation: Mapping[str, Any] | None, family: str, calibration: str) -> str:
    """Return what moved an answer, the strongest columns by name, and what it all comes to."""
    if explanation is None:
        return f"An answer of the family {family} has no exact parts; the card tells which columns it relies on."
    parts = sorted(explanation["parts"].items(), key=lambda part: -abs(part[1]))
    told = [f"{name} {_signed(value)}" for name, value in parts[:MOST_PARTS] if value]
    rest = [value for _, value in parts[MOST_PARTS:]]
    told += [f"{count(len(rest), 'other')} {_signed(sum(rest))}"] if any(rest) else []
    base, score, raw = (figure(explanation[name]) for name in ("base", "score", "raw"))
    means = f", a probability of {raw}" if explanation["raw"] != explanation["score"] else ""
    map_ = f"; the {calibration} calibration, which rises with it, makes the answer of it"
    moved = f"{', '.join((f'{base} to begin with', *told))}; together {score}" if told else base
    return f"What moved it, in {explanation['unit']}: {moved}{means}{'' if calibration == 'identity' else map_}."


def _signed(value: float) -> str:
    return f"{'-' if value < 0 else '+'}{figure(abs(value))}"


def _minute(moment: str) -> str:
    return f"{datetime.fromisoformat(moment):%Y-%m-%d %H:%M:%S} UTC"


def _tell_value(value: object) -> str:
    """Return a field of a reply as people read it: a number, an interval, or a probability for each class."""
    if isinstance(value, Mapping):
        return "; ".join(f"{name} {_tell_value(one)}" for name, one in value.items())
    if isinstance(value, list):
        return " to ".join(map(_tell_value, value))
    return figure(value) if isinstance(value, float) else str(value)


def _outcome_of(wheel: Wheel, record: Mapping[str, Any]) -> dict[str, Any] | None:
    present: AsOf = resolve(wheel, None)
    outcomes = load_outcomes(wheel, present)
    own = outcomes.filter((pl.col("prediction_id") == record["id"]) | (pl.col("key") == (record["key"] or "")))
    if not own.height:
        return None
    last = own.row(-1, named=True)
    return {"value": last["value"], "known_at": last["known_at"].isoformat()}
