"""Whole audits of real services: of ten lines from a tutorial, and of a well-made one that is not Python."""

import re
import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import uvicorn
from benchmarks import audit as bench
from benchmarks import audit_probes
from tests.audit.servers.reference import Reference
from tests.audit.servers.tutorial import app

from trimtab.audit.discover import Asked
from trimtab.audit.result import Category, State
from trimtab.audit.run import Options, Report, audit, with_quick
from trimtab.audit.service import Declared

DOCS = Path(__file__).parents[2] / "docs"

DEFECTS = {
    "contract.constraints": State.FAIL,  # 'a number' is all that is said of an age
    "contract.response": State.WARN,  # no response_model
    "validation.type": State.WARN,  # true is a passenger class
    "validation.category": State.FAIL,  # KeyError: 500
    "validation.range": State.FAIL,  # 10**30 is more than NumPy holds: 500
    "numeric.nan": State.FAIL,  # the 422 cannot be written: 500
    "numeric.infinity": State.FAIL,
    "numeric.overflow": State.FAIL,
    "unicode.text": State.FAIL,
    "parsing.media_type": State.WARN,
    "parsing.duplicates": State.WARN,
    "operability.liveness": State.FAIL,
    "operability.readiness": State.FAIL,
    "operability.metrics": State.FAIL,
    "operability.version": State.FAIL,
    "operability.request_id": State.FAIL,
    "errors.problem_json": State.FAIL,  # JSON for 422, plain text for 500
    "errors.echo": State.WARN,
}
CONSEQUENCES = {
    "unicode.injection",
    "parsing.oversized",
}  # FAIL as well, but only because every unseen category is a 500
RIGHT = {"parsing.nesting", "parsing.malformed", "validation.missing", "validation.null", "behaviour.deterministic"}


@contextmanager
def tutorial() -> Iterator[str]:
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="critical", lifespan="off"))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()


def look(url: str, asked: Asked | None = None) -> Report:
    return audit(url, Options(asked=asked or Asked()), lambda _: None)


def test_ten_lines_of_a_tutorial_have_defects_and_each_is_found() -> None:
    with tutorial() as url:
        report = look(url)
    states = {one.about.id: one.result.state for one in report.judged}
    assert {name: states[name] for name in DEFECTS} == DEFECTS
    bad = {name for name, state in states.items() if state in {State.FAIL, State.ERROR}}
    assert bad <= DEFECTS.keys() | CONSEQUENCES
    assert {states[name] for name in RIGHT} == {State.PASS}
    assert len(DEFECTS) >= 10
    assert not report.passed
    assert report.requests <= 400
    assert report.seconds < 60


def test_two_audits_of_one_service_agree() -> None:
    server = Reference(mutant="errors.echo")
    threading.Thread(target=server.serve_forever, daemon=True).start()
    asked = with_quick(Asked(declared=Declared(directions=(("income", "up"),))))
    options = Options(asked=asked, headers={"X-API-Key": "reference-key"})
    reports = [audit(server.url, options, lambda _: None) for _ in range(3)]
    server.shutdown()
    server.server_close()
    states = [
        {one.about.id: one.result.state for one in report.judged if one.about.category != Category.PERFORMANCE}
        for report in reports
    ]
    assert states[0] == states[1] == states[2]


@pytest.mark.skipif(shutil.which("node") is None, reason="Next: apt-get install nodejs")
def test_a_well_made_service_in_node_passes() -> None:
    with bench.running("node") as place:
        url = f"http://127.0.0.1:{place.port}"
        example = {"age": 41, "income": 52000.0, "city": "Oslo", "member": True}
        report = look(url, with_quick(Asked(predict_url=f"{url}/predict", example=example)))
    bad = [one.about.id for one in report.judged if one.result.state in {State.FAIL, State.ERROR}]
    assert bad == ["contract.openapi"]
    assert report.passed


def test_the_page_of_probes_is_what_the_probes_say() -> None:
    assert audit_probes.PAGE.read_text(encoding="utf-8") == audit_probes.write_page()


def test_every_audited_service_has_its_report_and_every_failure_its_explanation() -> None:
    page = (DOCS / "audit_services.md").read_text(encoding="utf-8")
    reports = {file.stem: file.read_text(encoding="utf-8") for file in (DOCS / "audit").glob("*.txt")}
    assert reports.keys() == bench.KNOWN.keys()
    for name, report in reports.items():
        failed = re.findall(r"^FAIL +(\S+)", report, re.MULTILINE)
        row = next(line for line in page.splitlines() if f"(audit/{name}.txt)" in line)
        assert "ERROR" not in report
        assert f"| {len(failed)}" in row or all(f"`{probe}`" in row for probe in failed), (name, failed)
