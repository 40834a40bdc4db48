"""The report as one page that needs nothing else: no other file, no network, no script of anybody else."""

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from html import escape
from importlib.metadata import version
from importlib.resources import files

from trimtab.audit.result import WORST_FIRST, Severity, State
from trimtab.audit.run import Report
from trimtab.audit.score import Judged, Section

_COLOURS: Mapping[State, str] = {
    State.PASS: "good",
    State.WARN: "fair",
    State.FAIL: "bad",
    State.ERROR: "bad",
    State.MANUAL: "mark",
    State.NOT_APPLICABLE: "quiet",
}
_SEEDS: Mapping[str, str] = {
    "example": "valid one from --example",
    "document": "valid one from the document's example",
    "guess": "valid one made from the schema",
    "repair": "valid one mended from the service's own errors",
}
_GOOD, _FAIR = 90, 50
_LONGEST_SEED = 2_000


def write_page(report: Report) -> str:
    """Return the page."""
    style, script = (files(__package__).joinpath(name).read_text(encoding="utf-8") for name in ("page.css", "page.js"))
    policy = f"default-src 'none'; style-src '{_hash(style)}'; script-src '{_hash(script)}'; base-uri 'none'"
    blocking = sorted((one for one in report.judged if one.blocks), key=lambda one: WORST_FIRST.index(one.result.state))
    sections = "".join(_section(section, score, report.judged) for section, score in report.sections)
    name = escape(report.url)
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>Audit of {name}</title><style>{style}</style></head><body>"
        f'<header class="bar"><div><h1>trimtab audit</h1><code>{name}</code>{_verdict_chip(report)}</div></header>'
        f"<main>{_head(report)}{_must(blocking)}{_waivers(report.judged)}{sections}{_seed(report)}{_foot(report)}"
        f"</main><script>{script}</script></body></html>\n"
    )


def _hash(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


def _verdict_chip(report: Report) -> str:
    colour, word = ("good", "PASSED") if report.passed else ("bad", "NOT PASSED")
    return f'<span class="chip {colour}">{word}</span>'


def _head(report: Report) -> str:
    states = [one.result.state for one in report.judged]
    counts = " · ".join(f"{states.count(state)} {state}" for state in State if states.count(state))
    blocking = sum(one.blocks for one in report.judged)
    if report.passed:
        colour, verdict = "good", "Every must probe passes."
    else:
        many = "1 must probe does" if blocking == 1 else f"{blocking} must probes do"
        colour, verdict = "bad", f"{many} not pass." if blocking else "The audit was stopped."
    service = report.service
    facts = {
        "Route": f"POST {service.client.url(service.path)}",
        "Served by": service.framework or "not recognised",
        "Request": f"{service.shape.kind}, {len(service.fields)} fields, {_SEEDS[service.seed_from]}",
        "Asked": f"{report.requests} requests in {report.seconds:.0f} s"
        f"{', quick' if service.quick else ''}, {report.started_at:%d %B %Y %H:%M} UTC",
        **({"Stopped": report.stopped} if report.stopped else {}),
    }
    listed = "".join(f"<dt>{name}</dt><dd>{escape(value)}</dd>" for name, value in facts.items())
    rings = "".join(
        f'<a href="#{section.name}">{_ring(score, 68)}{section.title}</a>' for section, score in report.sections
    )
    return (
        f'<section class="card"><div class="head">{_ring(report.score, 148)}'
        f'<div><div class="verdict {colour}">{verdict}</div><p>{counts}</p><dl class="facts">{listed}</dl></div></div>'
        f'<nav class="rings" aria-label="Sections">{rings}</nav>'
        '<div class="legend"><span class="good">● 90 to 100</span><span class="fair">● 50 to 89</span>'
        '<span class="bad">● 0 to 49</span><span>The score is a display; the must probes decide.</span></div></section>'
    )


def _ring(score: float | None, size: int) -> str:
    """Return a ring that is filled as far as the score goes."""
    width, middle = size / 12, size / 2
    radius = middle - width / 2 - 1
    around = 2 * 3.14159265 * radius
    told = "?" if score is None else f"{score:.0f}"
    filled = 0.0 if score is None else around * score / 100
    circle = f'cx="{middle:g}" cy="{middle:g}" r="{radius:.2f}" stroke-width="{width:.2f}"'
    arc = (
        f'<circle {circle} stroke-linecap="round" stroke-dasharray="{filled:.2f} {around:.2f}" '
        f'transform="rotate(-90 {middle:g} {middle:g})"/>'
    )
    return (
        f'<svg class="ring {_colour(score)}" width="{size}" height="{size}" viewBox="0 0 {size} {size}" role="img" '
        f'aria-label="{"not measured" if score is None else f"{told} of 100"}">'
        f'<circle class="face" cx="{middle:g}" cy="{middle:g}" r="{radius:.2f}"/><circle class="track" {circle}/>'
        f'{arc if filled else ""}<text x="{middle:g}" y="{middle:g}" font-size="{size * 0.28:.1f}">{told}</text></svg>'
    )


def _colour(score: float | None) -> str:
    if score is None:
        return "quiet"
    return "good" if score >= _GOOD else "fair" if score >= _FAIR else "bad"


def _must(blocking: Sequence[Judged]) -> str:
    if not blocking:
        return ""
    told = "".join(_probe(one, is_open=position == 0) for position, one in enumerate(blocking))
    return f"<h2>Must be mended <small>{len(blocking)}</small></h2>{told}"


def _waivers(judged: Sequence[Judged]) -> str:
    told = "".join(
        f'<p class="card"><b>{escape(one.about.id)}</b> is waived by {escape(one.waiver.by)}: '
        f"{escape(one.waiver.reason)}</p>"
        for one in judged
        if one.waiver is not None
    )
    return f"<h2>Waived in public</h2>{told}" if told else ""


def _section(section: Section, score: float | None, judged: Sequence[Judged]) -> str:
    mine = [one for one in judged if one.about.category in section.categories]
    if not mine:
        return ""
    passed = [one for one in mine if one.result.state in {State.PASS, State.NOT_APPLICABLE}]
    others = sorted((one for one in mine if one not in passed), key=lambda one: WORST_FIRST.index(one.result.state))
    shown = "".join(_probe(one) for one in others)
    if passed:
        shown += f"<h3>In order or not applicable, {len(passed)}</h3>{''.join(_probe(one) for one in passed)}"
    told = "not measured" if score is None else f"{score:.0f} of 100"
    colour = _colour(score)
    return f'<h2 id="{section.name}">{section.title} <small class="{colour}">{told}</small></h2>{shown}'


def _probe(one: Judged, *, is_open: bool = False) -> str:
    about, result = one.about, one.result
    exchange = result.exchange
    shown = ""
    if exchange is not None:
        answer = f"<h3>Answer</h3><pre>{escape(exchange.excerpt())}</pre>"
        shown = (
            f'<h3>Repeat it</h3><div class="shell"><pre>{escape(exchange.curl())}</pre>'
            f'<button type="button" data-copy>copy</button></div>{answer}'
        )
    numbers = "".join(f"<dt>{escape(name)}</dt><dd>{escape(str(value))}</dd>" for name, value in result.numbers.items())
    mend = f"<div><h3>How to mend it</h3><p>{_say(about.mend)}</p></div>" if result.state != State.PASS else ""
    must = " must" if one.blocks else ""
    return (
        f'<details class="probe{must}"{" open" if is_open else ""}><summary>'
        f'<span class="chip {_COLOURS[result.state]}">{result.state}</span>'
        f'<span><span class="title">{escape(about.title)}</span><span class="said">{escape(result.said)}</span></span>'
        f'<span class="tags">{_severity(one)} · {escape(about.id)}</span></summary><div class="more">'
        f'<div class="pair"><div><h3>Why it matters</h3><p>{_say(about.why)}</p></div>{mend}</div>{shown}'
        f"{f'<h3>Numbers</h3><dl class=facts>{numbers}</dl>' if numbers else ''}</div></details>"
    )


def _say(text: str) -> str:
    """Return a text in which what stands between backticks is code."""
    parts = escape(text).split("`")
    return "".join(f"<code>{part}</code>" if position % 2 else part for position, part in enumerate(parts))


def _severity(one: Judged) -> str:
    return "<b>must</b>" if one.severity == Severity.MUST else str(one.severity)


def _seed(report: Report) -> str:
    text = json.dumps(report.service.seed, indent=2)
    cut = text if len(text) <= _LONGEST_SEED else f"{text[:_LONGEST_SEED]} ..."
    return (
        "<h2>The seed</h2><p>Every probe varies this valid request. Save it with <code>--save-example</code> and give "
        f"it again with <code>--example</code> for the same audit.</p><pre>{escape(cut)}</pre>"
    )


def _foot(report: Report) -> str:
    return (
        f"<footer>trimtab {version('trimtab')}, rubric {report.rubric}. A URL shows a service from outside only: how "
        "it was trained, watched and replaced cannot be seen from here.</footer>"
    )
