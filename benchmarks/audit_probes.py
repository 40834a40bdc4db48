"""Writes docs/audit_probes.md, the rubric, from the probes themselves. Run: `make bench-audit_probes`."""

import inspect
from pathlib import Path

from trimtab.audit.probe import RUBRIC, Probe
from trimtab.audit.probes import PROBES
from trimtab.audit.score import SECTIONS

PAGE = Path(__file__).parents[1] / "docs" / "audit_probes.md"
HEAD = """# The probes of an audit

    make bench-audit_probes      # writes this page from the probes themselves

Rubric {rubric}: {probes} probes in {sections} sections. The version is raised where a probe, a severity, a weight or a
rule of judgement changes; it stands in every report. How an audit works and what it may cost stands in
[audit.md](audit.md), what it says about services in other frameworks in [audit_services.md](audit_services.md).

A *must* decides whether an audit passes; a *should* counts in the score; an *informative* one is only told. The number
behind it is its weight within its section. Each probe passes on one well-made service
(`tests/audit/servers/reference.py`) and fails on the smallest change to it that earns it
(`tests/audit/test_audit_mutants.py`).

*The rule of refusals*, for a request that cannot be right: PASS where it is refused with 4xx and the answer names the
field; WARN where it does not; FAIL for 5xx, a dropped connection, no answer in time, or 2xx. What was answered 429
until the end is ERROR: it was not looked at.
"""


def write_page() -> str:
    """Return the page."""
    parts = [HEAD.format(rubric=RUBRIC, probes=len(PROBES), sections=len(SECTIONS))]
    for section in SECTIONS:
        mine = [probe for probe in PROBES if probe.about.category in section.categories]
        mine.sort(key=lambda probe: probe.about.number)
        parts.append(f"## {section.title}: {section.weight} of 100\n")
        parts.append("| # | probe | | what it wants |\n|---|---|---|---|")
        parts += [_row(probe) for probe in mine]
        parts.append("")
        parts += [_explain(probe) for probe in mine]
    return "\n".join(parts).rstrip() + "\n"


def _row(probe: Probe) -> str:
    about = probe.about
    return f"| {about.number} | `{about.id}` | {about.severity} {about.weight} | {about.title} |"


def _explain(probe: Probe) -> str:
    about = probe.about
    asked = " ".join((inspect.getdoc(type(probe)) or "").split())
    return f"**`{about.id}`** {asked}\n\n- Why: {about.why}\n- Mend: {about.mend}\n"


if __name__ == "__main__":
    PAGE.write_text(write_page(), encoding="utf-8")
    print(f"{PAGE.name}: {len(PROBES)} probes, rubric {RUBRIC}")
