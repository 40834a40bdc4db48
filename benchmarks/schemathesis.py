"""What `trimtab audit` finds, how long it takes and whether it agrees with itself, beside schemathesis.

    make bench-schemathesis          # or: .venv/bin/python benchmarks/schemathesis.py [repetitions]

Writes docs/benchmarks/audit.md. schemathesis runs in an environment of its own under .bench/.
"""

import json
import os
import platform
import resource
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from time import perf_counter, sleep
from typing import Any

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks.environments import python_of  # noqa: E402 - found through the line above
from benchmarks.start import make_project  # noqa: E402

from trimtab.serve.child import Server  # noqa: E402

PAGE = ROOT / "docs" / "benchmarks" / "audit.md"
FUZZER = "schemathesis==4.32.5"
EXAMPLES = 200
REPETITIONS = 20
SAME_CAUSE = (
    {"validation.category", "unicode.injection", "parsing.oversized"},  # every unseen category is a KeyError
    {"numeric.nan", "numeric.infinity", "numeric.overflow", "unicode.text"},  # FastAPI's 422 cannot write them back
)
"""Lines of the tutorial service that are mended together, so that they are counted once, too."""

TIMED = ("performance.",)
"""Probes that measure time: the others are binary, and have to agree."""


@contextmanager
def run_tutorial(folder: Path) -> Iterator[str]:
    """Give the URL of the ten-line service of the tests."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    words = ["-m", "uvicorn", "tests.audit.servers.tutorial:app", "--port", str(port), "--log-level", "error"]
    with (folder / "tutorial.log").open("w", encoding="utf-8") as log:
        process = subprocess.Popen([sys.executable, *words], cwd=ROOT, stderr=log)
        try:
            wait_for(port)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait(timeout=30)


def wait_for(port: int) -> None:
    """Wait until something listens."""
    for _ in range(600):
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            sleep(0.1)
        else:
            return
    raise SystemExit("the service does not start")


def audit(url: str, *words: str) -> tuple[dict[str, Any], float, float]:
    """Return the report of a whole audit process, the seconds that it took, and those of the processor."""
    begin, before = perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [sys.executable, "-m", "trimtab.cli", "audit", url, "--json", *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return json.loads(done.stdout), perf_counter() - begin, spent


def fuzz(url: str, folder: Path) -> tuple[dict[str, Any], float]:
    """Return what schemathesis reports, and the seconds that it took."""
    tool, told = python_of("schemathesis", [FUZZER]).with_name("st"), folder / "schemathesis.json"
    options = ["--checks", "all", "--continue-on-failure", "--max-examples", str(EXAMPLES), "--seed", "1"]
    begin = perf_counter()
    command = [tool, "run", f"{url}/openapi.json", *options, "--report-json-path", told]
    subprocess.run(command, cwd=folder, capture_output=True, check=False)
    return json.loads(told.read_text(encoding="utf-8")), perf_counter() - begin


def list_disagreements(reports: Sequence[Mapping[str, Any]]) -> dict[str, list[str]]:
    """Return the probes that did not always say the same, with the states that they said."""
    states: dict[str, list[str]] = {}
    for report in reports:
        for probe in report["probes"]:
            states.setdefault(probe["id"], []).append(probe["state"])
    return {name: sorted(set(said)) for name, said in states.items() if len(set(said)) > 1}


def main() -> None:
    """Measure, print and write the page."""
    repetitions = int(sys.argv[1]) if len(sys.argv) > 1 else REPETITIONS
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make_project(folder)
        with run_tutorial(folder) as url:
            runs = [audit(url) for _ in range(repetitions)]
            quick = [audit(url, "--quick") for _ in range(repetitions)]
            found, fuzzed = fuzz(url, folder)
        with Server(folder / "p", folder / "serve.log") as server:
            client = server.client
            own, own_seconds, _ = audit(f"http://{client.host}:{client.port}")
    page = "\n".join(
        [
            *_head(),
            *_times({"full": runs, "--quick": quick}, own_seconds),
            *_agreement([report for report, _, _ in runs], "full"),
            *_agreement([report for report, _, _ in quick], "quick"),
            *_defects(runs[0][0], found, runs[0][1], fuzzed),
            *_own(own),
        ]
    )
    PAGE.write_text(page, encoding="utf-8")
    print(page)


def _head() -> list[str]:
    machine = f"{platform.platform()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    return [
        "# What an audit finds, and what it costs",
        "",
        "    make bench-schemathesis          # or: .venv/bin/python benchmarks/schemathesis.py",
        "",
        (
            f"trimtab {version('trimtab')}, {FUZZER.replace('==', ' ')}; {machine}; {datetime.now(UTC):%Y-%m-%d}, "
            f"load {os.getloadavg()[0]:.1f} at the end."
        ),
        "",
    ]


def _times(groups: Mapping[str, Sequence[tuple[dict[str, Any], float, float]]], own: float) -> list[str]:
    wanted = {"full": 60, "--quick": 15}
    lines = [
        "Whole processes on the ten-line service (`tests/audit/servers/tutorial.py`), from start to end:",
        "",
        "| audit | n | median | slowest | processor, median | requests | wanted |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, group in groups.items():
        seconds, spent = sorted(one[1] for one in group), sorted(one[2] for one in group)
        middle = len(group) // 2
        lines.append(
            f"| {name} | {len(group)} | {seconds[middle]:.1f} s | {seconds[-1]:.1f} s | {spent[middle]:.1f} s | "
            f"{group[0][0]['requests']} | <= {wanted[name]} s |"
        )
    return [*lines, "", f"A full audit of `trimtab serve` took {own:.1f} s.", ""]


def _agreement(reports: Sequence[Mapping[str, Any]], name: str) -> list[str]:
    apart = list_disagreements(reports)
    timed = {probe: said for probe, said in apart.items() if probe.startswith(TIMED)}
    binary = {probe: said for probe, said in apart.items() if probe not in timed}
    count = sum(not probe["id"].startswith(TIMED) for probe in reports[0]["probes"])
    told = "; ".join(f"`{probe}` said {' and '.join(said)}" for probe, said in binary.items())
    lines = [f"{len(reports)} repetitions, {name}: {count - len(binary)} of {count} binary probes always said the same"]
    lines[0] += f" ({told})." if told else "."
    if timed:
        lines.append(f"Of those that measure time, {', '.join(f'`{probe}`' for probe in timed)} did not.")
    return [*lines, ""]


def _defects(report: Mapping[str, Any], found: Mapping[str, Any], seconds: float, fuzzed: float) -> list[str]:
    faults = [probe for probe in report["probes"] if probe["state"] == "FAIL" and probe["severity"] != "informative"]
    warned = [probe for probe in report["probes"] if probe["state"] == "WARN"]
    failures = found["failures"]
    unique = found["test_cases"]["unique_failures"]
    names = {probe["id"] for probe in faults}
    causes = len(names.difference(*SAME_CAUSE)) + sum(bool(names & together) for together in SAME_CAUSE)
    pairs = "; ".join(", ".join(f"`{name}`" for name in sorted(together)) for together in SAME_CAUSE)
    told = ", ".join(f"`{probe['id']}`" for probe in warned)
    rows = [f"`{probe['id']}` ({probe['severity']}): {_short(probe['said'])}" for probe in faults]
    other = [f"{one['title']} ({one['code']}, {one['severity']}): {one['count']}" for one in failures]
    lines = [
        "## Beside schemathesis, on the same service in the same run",
        "",
        (
            f"| trimtab audit, {seconds:.0f} s, {report['requests']} requests: {len(faults)} FAIL, {len(warned)} WARN "
            f"| schemathesis, {fuzzed:.0f} s, {found['test_cases']['generated']} cases: {unique} unique failures |"
        ),
        "|---|---|",
    ]
    for position in range(max(len(rows), len(other))):
        left, right = (side[position] if position < len(side) else "" for side in (rows, other))
        lines.append(f"| {left} | {right} |")
    return [
        *lines,
        "",
        f"Counted by cause, the {len(faults)} FAIL are {causes}: these are mended together: {pairs}. Warnings: {told}.",
        "",
        (
            "schemathesis tests whether a service keeps what its OpenAPI document promises, for any API; it is "
            "the better tool for that. It does not know what a prediction is, and puts all 500s of a route together. "
            f"It ran with all checks, `--continue-on-failure`, {EXAMPLES} examples and a fixed seed."
        ),
        "",
    ]


def _short(text: str) -> str:
    told = text.replace("|", "\\|")
    return told if len(told) <= 120 else f"{told[:117]}..."


def _own(report: Mapping[str, Any]) -> list[str]:
    others = [probe for probe in report["probes"] if probe["state"] not in {"PASS", "N/A"}]
    states = [probe["state"] for probe in report["probes"]]
    passed = "passes" if report["passed"] else "does not pass"
    return [
        "## trimtab serve itself",
        "",
        (
            f"`trimtab serve` on a project as `init` writes it {passed}: {states.count('PASS')} PASS, "
            f"{states.count('N/A')} N/A (no TLS and no key on loopback, nothing declared), score {report['score']:g}."
        ),
        *(f"- {probe['state']} `{probe['id']}` ({probe['severity']}): {_short(probe['said'])}" for probe in others),
        "",
    ]


if __name__ == "__main__":
    main()
