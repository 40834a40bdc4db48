"""A probe of somebody else's package is run with the others, and what goes wrong in it is no verdict on the service."""

from pathlib import Path

import pytest
from tests.audit.servers import odd

from trimtab.audit.discover import Asked
from trimtab.audit.result import State
from trimtab.audit.run import Options, all_probes, audit, with_quick

MODULE = """
from trimtab.audit.probe import About
from trimtab.audit.result import Category, Result, Severity, State


class Curious:
    about = About("mine.curious", 900, Category.ERRORS, Severity.SHOULD, 1, "a title", "a reason", "a way")

    def run(self, service):
        return Result(State.PASS, service.post(service.seed).told)


class Clumsy:
    about = About("mine.clumsy", 901, Category.ERRORS, Severity.MUST, 1, "a title", "a reason", "a way")

    def run(self, service):
        return 1 / 0
"""


@pytest.fixture(autouse=True)
def _installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "curious_probes.py").write_text(MODULE)
    info = tmp_path / "curious_probes-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: curious-probes\nVersion: 1.0\n")
    entries = "[trimtab.probes]\ncurious = curious_probes:Curious\nclumsy = curious_probes:Clumsy\n"
    (info / "entry_points.txt").write_text(entries)
    monkeypatch.syspath_prepend(str(tmp_path))


def test_probes_of_others_are_run_before_the_last_one() -> None:
    ids = [probe.about.id for probe in all_probes()]
    assert {"mine.curious", "mine.clumsy"} <= set(ids)
    assert ids[-1] == "recovery.after"


def test_a_probe_that_fails_itself_is_an_error_and_never_a_pass() -> None:
    with odd.serve(odd.plain) as url:
        report = audit(url, Options(asked=with_quick(Asked()), patience=5), lambda line: None)
    curious, clumsy = report.find("mine.curious"), report.find("mine.clumsy")
    assert curious is not None
    assert curious.result.said == "HTTP 200"
    assert clumsy is not None
    assert clumsy.result.state == State.ERROR
    assert "ZeroDivisionError" in clumsy.result.said
    assert clumsy.blocks
