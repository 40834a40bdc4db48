"""Readiness as a terminal tells it, and as JSON holds it."""

from collections.abc import Iterator
from typing import Any

from trimtab.audit.readiness.rubric import RUBRIC, Section
from trimtab.audit.readiness.score import Mark, Readiness
from trimtab.nouns.identity import plain

FORMAT = 1
WHOLE = 7.0


def list_facts(readiness: Readiness) -> dict[str, Any]:
    """Return all of it as JSON values; docs/readiness.md names every field."""
    automatic = readiness.sections(automatic=True)
    return {
        "format": FORMAT,
        "rubric": RUBRIC,
        "project": readiness.project,
        "at": readiness.at,
        "score": readiness.score,
        "automatic_score": readiness.automatic_score,
        "meaning": readiness.meaning,
        "sections": {
            section.value: {"score": worth, "automatic": automatic[section]}
            for section, worth in readiness.sections().items()
        },
        "tests": [_list_mark(mark) for mark in readiness.marks],
    }


def _list_mark(mark: Mark) -> dict[str, Any]:
    return {
        "id": mark.test.id,
        "section": mark.test.section.value,
        "title": mark.test.title,
        "kind": mark.test.kind,
        "state": mark.state.value,
        "score": mark.worth,
        "automatic": mark.automatic,
        "said": mark.said,
        "missing": mark.missing,
        "evidence": list(mark.evidence),
        "numbers": dict(mark.numbers or {}),
        "ran": plain(mark.ran) if mark.ran else None,
        "attested": plain(mark.attested) if mark.attested else None,
    }


def tell(readiness: Readiness) -> Iterator[str]:
    """Yield the report in lines: what it comes to, and each section with its tests and what is missing."""
    yield f"{readiness.project}: readiness {readiness.score:.1f} of {WHOLE:.0f}, the score of the weakest section."
    yield f"Without attestations it is {readiness.automatic_score:.1f}. {readiness.meaning.capitalize()}."
    automatic = readiness.sections(automatic=True)
    for section, worth in readiness.sections().items():
        yield ""
        yield f"{section.value.upper()} {worth:.1f} of {WHOLE:.0f} (without attestations {automatic[section]:.1f})"
        yield from _tell_section(readiness, section)


def _tell_section(readiness: Readiness, section: Section) -> Iterator[str]:
    for mark in readiness.marks:
        if mark.test.section is not section:
            continue
        state = mark.state.value.replace("_", " ")
        yield f"  {mark.worth:.1f}  {mark.test.id:<9}  {state:<11}  {mark.test.title}"
        yield f"       {mark.said}{_tell_run(mark)}"
        if mark.attested:
            yield f"       attested by {mark.attested.who} until {mark.attested.until}: {mark.attested.statement}"
        if mark.missing:
            yield f"       missing: {mark.missing}"


def _tell_run(mark: Mark) -> str:
    if mark.ran is None:
        return ""
    who = "by itself" if mark.ran.itself else f"by {mark.ran.by}"
    return f" [{who}, {mark.ran.at:%Y-%m-%d}]"
