"""The report for machines of others: JUnit for a build, SARIF for a code host, a badge for a README, the seed."""

import json
import re
from collections.abc import Mapping
from html import escape
from importlib.metadata import version
from urllib.parse import quote, urlsplit
from xml.etree import ElementTree as ET

from trimtab.audit.result import Severity, State
from trimtab.audit.run import Report
from trimtab.audit.score import Judged

_GREEN, _AMBER, _RED = "#2da44e", "#9a6700", "#cf222e"
_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_LEVELS: Mapping[Severity, str] = {
    Severity.MUST: "error",
    Severity.SHOULD: "warning",
    Severity.INFORMATIVE: "note",
}


def write_junit(report: Report) -> str:
    """Return JUnit XML: a probe is a test case.

    FAIL is a failure, and so is a must that warns; ERROR is an error; N/A and MANUAL are skipped.
    """
    cases = [(one, _junit_case(one)) for one in report.judged]
    tags = [child.tag for _, case in cases for child in case]
    suite = ET.Element(
        "testsuite",
        name=f"trimtab audit {report.url}",
        tests=str(len(cases)),
        failures=str(tags.count("failure")),
        errors=str(tags.count("error")),
        skipped=str(tags.count("skipped")),
        time=f"{report.seconds:.3f}",
        timestamp=report.started_at.isoformat(),
    )
    suite.extend(case for _, case in cases)
    root = ET.Element("testsuites")
    root.append(suite)
    return f"<?xml version='1.0' encoding='utf-8'?>\n{_clean(ET.tostring(root, encoding='unicode'))}\n"


def _junit_case(one: Judged) -> ET.Element:
    about, result = one.about, one.result
    case = ET.Element(
        "testcase", name=f"{about.id}: {about.title}", classname=f"audit.{about.category}", time=f"{one.seconds:.3f}"
    )
    request = result.exchange.curl() if result.exchange is not None else ""
    told = f"{result.said}\nWhy: {about.why}\nMend: {about.mend}\n{request}"
    if result.state == State.ERROR:
        ET.SubElement(case, "error", message=result.said).text = told
    elif one.blocks or (result.state == State.FAIL and one.severity != Severity.INFORMATIVE):
        ET.SubElement(case, "failure", message=result.said).text = told
    elif result.state in {State.NOT_APPLICABLE, State.MANUAL}:
        ET.SubElement(case, "skipped", message=result.said)
    elif result.state == State.WARN:
        ET.SubElement(case, "system-out").text = f"WARN {told}"
    return case


def write_sarif(report: Report) -> str:
    """Return SARIF 2.1.0: every probe a rule, what is not in order a result.

    Its place is the route's path, because code hosts refuse a place that is a URL.
    """
    rules = [
        {
            "id": one.about.id,
            "shortDescription": {"text": one.about.title},
            "fullDescription": {"text": one.about.why},
            "help": {"text": one.about.mend},
            "defaultConfiguration": {"level": _LEVELS[one.severity]},
        }
        for one in report.judged
    ]
    route = urlsplit(report.service.client.url(report.service.path)).path.strip("/")
    place = {"physicalLocation": {"artifactLocation": {"uri": quote(route) or "predict"}, "region": {"startLine": 1}}}
    results = [
        {
            "ruleId": one.about.id,
            "level": _LEVELS[one.severity] if one.result.state != State.WARN else "warning",
            "message": {"text": f"{report.url}: {one.result.state}: {one.result.said}. {one.about.mend}"},
            "locations": [place],
        }
        for one in report.judged
        if one.result.state in {State.FAIL, State.WARN, State.ERROR}
    ]
    driver = {"name": "trimtab audit", "semanticVersion": version("trimtab"), "rules": rules}
    return json.dumps(
        {
            "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
            "version": "2.1.0",
            "runs": [{"tool": {"driver": driver}, "results": results}],
        },
        indent=2,
    )


def write_badge(report: Report) -> str:
    """Return a badge: passed or not, with the score."""
    left, right = "trimtab audit", f"{'passed' if report.passed else 'not passed'} · {report.score:.0f}"
    colour = _RED if not report.passed else _GREEN if report.score >= 90 else _AMBER
    widths = [round(len(text) * 6.6) + 14 for text in (left, right)]
    whole, middles = sum(widths), (widths[0] / 2, widths[0] + widths[1] / 2)
    label = escape(f"{left}: {right}")
    texts = "".join(
        f'<text x="{middle:g}" y="14" textLength="{width - 14}">{escape(text)}</text>'
        for middle, width, text in zip(middles, widths, (left, right), strict=True)
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{whole}" height="20" role="img" aria-label="{label}">'
        f"<title>{label}</title>"
        f'<clipPath id="round"><rect width="{whole}" height="20" rx="3"/></clipPath><g clip-path="url(#round)">'
        f'<rect width="{widths[0]}" height="20" fill="#444c56"/>'
        f'<rect x="{widths[0]}" width="{widths[1]}" height="20" fill="{colour}"/></g>'
        f'<g fill="#fff" text-anchor="middle" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11">{texts}</g>'
        "</svg>\n"
    )


def write_seed(report: Report) -> str:
    """Return the valid request that the audit used; `--example` takes it again."""
    return json.dumps(report.service.seed, indent=2)


def _clean(text: str) -> str:
    """Return a text without what XML 1.0 cannot hold."""
    return _NO_XML.sub("", text)
