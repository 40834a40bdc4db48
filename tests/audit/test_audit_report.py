"""One audit, told in every form: each holds what it should, and nothing of a hostile service gets out of its place."""

import json
import re
import socket
from collections.abc import Iterator
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree as ET

import jsonschema
import pytest
from tests.audit.servers import odd

from trimtab.audit.discover import Asked
from trimtab.audit.report.compare import compare_reports
from trimtab.audit.report.facts import list_facts
from trimtab.audit.report.files import write_badge, write_junit, write_sarif
from trimtab.audit.report.page import write_page
from trimtab.audit.result import State
from trimtab.audit.run import Options, Report, audit, with_quick
from trimtab.cli.app import main
from trimtab.cli.output import plain

ROOT = Path(__file__).parents[2]
HOSTILE = "<script>alert(1)</script>]]>\x00\x1b[31m"


def hostile(method: str, path: str, body: bytes, connection: socket.socket) -> None:
    """Answer every mistake with markup and control characters, and a valid request with a number."""
    try:
        size = json.loads(body)["size"] if path == "/predict" else None
    except (ValueError, KeyError, TypeError):
        size = None
    if path == "/predict" and not isinstance(size, float):
        odd.answer(connection, 200, HOSTILE.encode(), "text/html")
    else:
        odd.plain(method, path, body, connection)


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with odd.serve(hostile) as url:
        yield url


@pytest.fixture(scope="module")
def report(url: str) -> Report:
    return audit(url, Options(asked=with_quick(Asked()), patience=2), lambda line: None)


class Page(HTMLParser):
    """Collects the tags of a page, and what they load."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.loads: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.loads += [
            str(value) for name, value in attrs if name in {"src", "srcset"} or (tag == "link" and name == "href")
        ]


def test_the_page_stands_alone_and_holds_no_markup_of_the_service(report: Report) -> None:
    text = write_page(report)
    page = Page(text)
    assert page.loads == []
    assert page.tags.count("script") == 1
    assert not re.search(r"url\(|@import", text)
    assert "&lt;script&gt;alert(1)" in text
    assert all(one.about.id in text for one in report.judged)


def test_the_page_forbids_every_script_but_its_own(report: Report) -> None:
    text = write_page(report)
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', text)
    assert policy
    assert "default-src 'none'" in policy.group(1)
    assert "unsafe-inline" not in policy.group(1)


def test_facts_are_json_with_what_the_documentation_names(report: Report) -> None:
    facts = json.loads(json.dumps(plain(list_facts(report))))
    assert {"probes", "passed", "score"} <= facts.keys()
    assert all({"id", "category", "severity", "state"} <= probe.keys() for probe in facts["probes"])
    documented = (ROOT / "docs" / "audit.md").read_text(encoding="utf-8")
    keys = {*facts, *facts["probes"][0], *facts["service"], *facts["sections"][0]}
    schema = json.loads((ROOT / "docs" / "audit.schema.json").read_text(encoding="utf-8"))
    jsonschema.validate({**facts, "budget": [], "changes": []}, schema, jsonschema.Draft202012Validator)
    assert [key for key in sorted(keys) if f"`{key}`" not in documented.replace("[]`", "`")] == []


def test_junit_has_a_case_for_each_probe_and_counts_right(report: Report) -> None:
    suite = ET.fromstring(write_junit(report).encode()).find("testsuite")  # noqa: S314 - our own
    assert suite is not None
    assert len(suite.findall("testcase")) == len(report.judged) == int(suite.attrib["tests"])
    assert len(suite.findall("testcase/failure")) == int(suite.attrib["failures"])
    blocking = [one for one in report.judged if one.blocks and one.result.state != State.ERROR]
    assert len(suite.findall("testcase/failure")) >= len(blocking) > 0


def test_junit_is_xml_whatever_was_said(report: Report) -> None:
    one = report.judged[0]
    odd_one = replace(one, result=replace(one.result, state=State.ERROR, said="a\ufffe\uffff\x00\x0bz"))
    case = ET.fromstring(write_junit(replace(report, judged=(odd_one,))).encode()).find(".//error")  # noqa: S314
    assert case is not None
    assert case.attrib["message"] == "az"


def test_half_a_surrogate_pair_is_told_in_every_form(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def talk(method: str, path: str, body: bytes, connection: socket.socket) -> None:
        if path == "/predict":
            odd.answer(connection, 200, rb'{"prediction": 1, "model_version": "v\ud800"}')
        else:
            odd.plain(method, path, body, connection)

    (tmp_path / "example.json").write_text(r'{"size": 2, "name": "\ud800"}', encoding="utf-8")
    files = ["--example", str(tmp_path / "example.json"), "--html", str(tmp_path / "page.html")]
    with odd.serve(talk) as url:
        assert main(["audit", url, "--quick", "--json", *files]) == 1
    assert "model_version v\ufffd" in capsys.readouterr().out
    assert "model_version v\ufffd" in (tmp_path / "page.html").read_text(encoding="utf-8")


def test_options_that_do_nothing_are_refused_by_their_names(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["audit", "http://127.0.0.1:1", "--at-least", "99", "--no-drills"]) == 2
    told = capsys.readouterr().err
    assert "--no-drills, --at-least" in told
    assert main(["audit", "--project", str(tmp_path), "--html", "f", "--budget", "b", "--quick"]) == 2
    told = capsys.readouterr().err
    assert all(option in told for option in ("--html", "--budget", "--quick"))


def test_sarif_names_a_rule_for_each_probe_and_a_result_for_each_fault(report: Report) -> None:
    run = json.loads(write_sarif(report))["runs"][0]
    rules = {rule["id"] for rule in run["tool"]["driver"]["rules"]}
    places = {json.dumps(result["locations"]) for result in run["results"]}
    assert all("predict" in place and "://" not in place for place in places)
    assert rules == {one.about.id for one in report.judged}
    faults = [one for one in report.judged if one.result.state in {State.FAIL, State.WARN, State.ERROR}]
    assert [result["ruleId"] for result in run["results"]] == [one.about.id for one in faults]


def test_the_badge_says_the_verdict(report: Report) -> None:
    badge = ET.fromstring(write_badge(report))  # noqa: S314 - our own
    assert badge.attrib["aria-label"] == f"trimtab audit: not passed · {report.score:.0f}"


def test_the_command_writes_every_form_and_one_object(
    url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    names = ("html", "junit", "sarif", "badge", "save-example")
    words = [word for name in names for word in (f"--{name}", str(tmp_path / name))]
    assert main(["audit", url, "--quick", "--json", *words]) == 1
    facts = json.loads(capsys.readouterr().out)
    assert facts["passed"] is False
    assert facts["seconds"] < 15
    assert all((tmp_path / name).stat().st_size > 0 for name in names)
    (tmp_path / "old.json").write_text(json.dumps(facts))
    again = [
        "audit",
        url,
        "--quick",
        "--example",
        str(tmp_path / "save-example"),
        "--compare",
        str(tmp_path / "old.json"),
    ]
    assert main(again) == 1
    told = capsys.readouterr()
    assert "NOT PASSED" in told.out
    assert "Traceback" not in told.err
    assert HOSTILE not in told.out, "control characters of the service reached the terminal"


def test_a_budget_is_held_against_the_report(url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "budget.toml"
    file.write_text(
        "score = 100\np95_ms = 0.0001\nfailures = 0\nmust_pass = ['numeric.nan']\nsections = { input = 99 }\n"
    )
    assert main(["audit", url, "--quick", "--budget", str(file), "--json"]) == 1
    broken = " ".join(json.loads(capsys.readouterr().out)["budget"])
    assert all(word in broken for word in ("score", "input", "failures", "p95", "numeric.nan"))
    file.write_text("must_pass = ['numeric.nam']")
    assert main(["audit", url, "--quick", "--budget", str(file), "--json"]) == 2


def test_changes_are_told_worst_first(report: Report) -> None:
    newer = json.loads(json.dumps(plain(list_facts(report))))
    older = json.loads(json.dumps(newer))
    older["score"] = 99.5
    failed = next(probe for probe in older["probes"] if probe["state"] == "FAIL")
    failed["state"] = "PASS"
    passed = next(probe for probe in older["probes"] if probe["state"] == "PASS" and probe is not failed)
    passed["state"] = "FAIL"
    changes = compare_reports(older, newer)
    assert changes[0].startswith(f"worse: {failed['id']} was PASS, is FAIL")
    assert changes[1].startswith(f"better: {passed['id']} was FAIL, is PASS")
    assert changes[2] == f"score 99.5 -> {newer['score']:g}"
    assert compare_reports(newer, newer) == ()


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"probes": [], "schema": 99}'])
def test_what_is_no_older_report_is_refused(url: str, tmp_path: Path, text: str) -> None:
    file = tmp_path / "old.json"
    file.write_text(text)
    assert main(["audit", url, "--compare", str(file)]) == 2
