"""One audit from beginning to end: discovery, every probe, recovery last, score and gate."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from urllib.parse import urlsplit

import httpx

from trimtab import clock
from trimtab.audit.client import PACE, PATIENCE, Client, is_loopback
from trimtab.audit.discover import Asked, discover
from trimtab.audit.probe import RUBRIC, Probe
from trimtab.audit.probes import PROBES
from trimtab.audit.result import Category, Result, State
from trimtab.audit.score import MOST_WAIVERS, SECTIONS, Judged, Section, Waiver, score_all, score_section
from trimtab.audit.service import QUICK, Service
from trimtab.errors import Refused, TrimtabError, UsageError, nearest
from trimtab.plugins import known, load

RESERVE = 10
"""Requests that are kept for the recovery probe."""

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Options:
    """What the user asks for, beside the URL."""

    asked: Asked = field(default_factory=Asked)
    headers: Mapping[str, str] = field(default_factory=dict)
    waivers: tuple[Waiver, ...] = ()
    may_test: bool = False
    patience: float = PATIENCE


@dataclass(frozen=True, slots=True)
class Report:
    """All that an audit found."""

    url: str
    started_at: datetime
    seconds: float
    requests: int
    service: Service
    judged: tuple[Judged, ...]
    stopped: str = ""
    """Why the audit ended early, or ''."""

    rubric: int = RUBRIC

    @property
    def passed(self) -> bool:
        """Whether every must is passed or waived, and the audit was not stopped."""
        return not self.stopped and not any(one.blocks for one in self.judged)

    @property
    def score(self) -> float:
        """Return 0 to 100; only a display."""
        return round(score_all(self.judged), 1)

    @property
    def sections(self) -> tuple[tuple[Section, float | None], ...]:
        """Return each section with its score."""
        return tuple((section, score_section(section, self.judged)) for section in SECTIONS)

    def find(self, probe: str) -> Judged | None:
        """Return one probe by its id."""
        return next((one for one in self.judged if one.about.id == probe), None)


def audit(url: str, options: Options, tell: Tell) -> Report:
    """Return what all probes say about the service at a URL.

    Raises UsageError for what is no URL or needs an answer of the user, Refused for a host that may not be tested, and
    HostError where nothing answers.
    """
    base = read_url(url)
    probes = all_probes()
    _check_waivers(options.waivers, probes)
    local = is_loopback(base)
    if not local and not options.may_test:
        raise Refused(
            f"{urlsplit(base).hostname} is not this machine: an audit sends bad requests and a burst.",
            hint="--i-may-test-this, if its owner has allowed it",
        )
    started, begin = clock.now(), clock.monotonic_ns()
    cap, pace = options.asked.budget.requests - RESERVE, 0.0 if local else PACE
    with Client(base, cap=cap, pace=pace, patience=options.patience, headers=options.headers) as client:
        service = discover(client, options.asked, tell)
        judged, stopped = _run_all(service, probes, tell)
        requests = client.sent
    waivers = {waiver.probe: waiver for waiver in options.waivers}
    covered = tuple(
        replace(one, waiver=waivers.get(one.about.id)) if one.result.state == State.WARN else one for one in judged
    )
    seconds = (clock.monotonic_ns() - begin) / 1e9
    return Report(base, started, round(seconds, 2), requests, service, covered, stopped)


def all_probes() -> tuple[Probe, ...]:
    """Return the built-in probes and those of installed packages; what asks about recovery comes last."""
    every = (*PROBES, *(load("probes", name)() for name in known("probes")))
    return tuple(sorted(every, key=lambda probe: probe.about.category == Category.RECOVERY))


def _run_all(service: Service, probes: Sequence[Probe], tell: Tell) -> tuple[list[Judged], str]:
    judged: list[Judged] = []
    stopped = ""
    for probe in probes:
        if probe.about.category == Category.RECOVERY:
            service.client.forgive()
            service.client.cap = service.budget.requests
        elif stopped:
            judged.append(Judged(probe.about, Result(State.ERROR, f"not asked: {stopped}"), 0.0))
            continue
        begin = clock.monotonic_ns()
        result = _run_one(service, probe)
        if service.client.gone and not stopped:
            stopped = f"the service stopped answering during {probe.about.id}"
        judged.append(Judged(probe.about, result, round((clock.monotonic_ns() - begin) / 1e9, 3)))
        tell(f"{result.state:<6} {probe.about.id}: {result.said}"[:160])
    return judged, stopped


def _run_one(service: Service, probe: Probe) -> Result:
    try:
        return probe.run(service)
    except TrimtabError as error:
        return Result(State.ERROR, error.message)
    except Exception as error:  # noqa: BLE001 - a probe that fails is an ERROR of the audit, never a verdict
        return Result(State.ERROR, f"the probe itself failed: {type(error).__name__}: {error}"[:300])


def read_url(url: str) -> str:
    """Return a base URL without query, fragment and the last slash. Raises UsageError where it is no http URL."""
    has_scheme = "://" in url
    text = url.strip() if has_scheme else f"http://{url.strip()}"
    hint = "write it like http://127.0.0.1:8000"
    try:
        parsed = httpx.URL(text)
        urlsplit(text).port  # noqa: B018 - reading it checks it
    except (httpx.InvalidURL, ValueError):
        raise UsageError(f"'{url[:80]}' is no URL.", hint=hint) from None
    is_host = bool(parsed.host) and (has_scheme or _looks_like_host(parsed.host))
    if parsed.scheme not in {"http", "https"} or not is_host or " " in text:
        raise UsageError(f"'{url[:80]}' is no http or https URL.", hint=hint)
    if parsed.userinfo:
        raise UsageError("The URL holds a name or password.", hint="--header 'Authorization: ...'")
    return str(parsed.copy_with(query=None, fragment=None)).rstrip("/")


def _looks_like_host(host: str) -> bool:
    """Whether a word is meant as a host although no http:// stands before it."""
    return host == "localhost" or "." in host or ":" in host


def _check_waivers(waivers: Sequence[Waiver], probes: Sequence[Probe]) -> None:
    ids = [probe.about.id for probe in probes]
    for waiver in waivers:
        if waiver.probe not in ids:
            raise UsageError(f"There is no probe '{waiver.probe}' to waive{nearest(waiver.probe, ids)}")
    if len(waivers) > MOST_WAIVERS:
        raise UsageError(f"{len(waivers)} waivers are more than {MOST_WAIVERS}.", hint="mend one of them instead")


def with_quick(asked: Asked) -> Asked:
    """Return the same wishes for a quick audit: fewer requests, at most 15 seconds for a local service."""
    return replace(asked, budget=QUICK, quick=True)
