"""The gate decides, the score displays, and nothing that is not known counts as good."""

from dataclasses import replace
from pathlib import Path

import pytest

from trimtab.audit.declare import read_budget, read_declaration, read_headers
from trimtab.audit.probe import About, worst
from trimtab.audit.result import Category, Result, Severity, State
from trimtab.audit.score import SECTIONS, Judged, Waiver, score_all, score_section
from trimtab.errors import ConfigError, UsageError

INPUT = next(section for section in SECTIONS if section.name == "input")


def judged(
    state: State,
    severity: Severity = Severity.MUST,
    weight: int = 1,
    category: Category = Category.NUMERIC,
    raised: Severity | None = None,
) -> Judged:
    about = About("x.y", 1, category, severity, weight, "a title", "a reason", "a way")
    return Judged(about, Result(state, "said", severity=raised), 0.1)


@pytest.mark.parametrize("state", State)
def test_only_pass_and_what_is_out_of_place_let_a_must_through(state: State) -> None:
    assert judged(state).blocks == (state in {State.WARN, State.FAIL, State.ERROR})
    assert not judged(state, Severity.SHOULD).blocks


def test_what_was_seen_can_make_a_should_a_must() -> None:
    assert judged(State.FAIL, Severity.SHOULD, raised=Severity.MUST).blocks


def test_a_waiver_lets_a_must_through() -> None:
    assert not replace(judged(State.WARN), waiver=Waiver("x.y", "a reason", "me")).blocks


def test_an_error_is_worth_nothing_and_what_does_not_apply_is_left_out() -> None:
    states = [State.PASS, State.ERROR, State.NOT_APPLICABLE, State.MANUAL]
    assert score_section(INPUT, [judged(state) for state in states]) == 50
    assert score_section(INPUT, [judged(State.WARN)]) == 50
    assert score_section(INPUT, [judged(State.FAIL, weight=3), judged(State.PASS)]) == 25
    assert score_section(INPUT, [judged(State.NOT_APPLICABLE)]) is None
    assert score_section(INPUT, [judged(State.FAIL, Severity.INFORMATIVE, weight=0)]) is None


def test_sections_weigh_a_hundred_and_hold_every_category_once() -> None:
    assert sum(section.weight for section in SECTIONS) == 100
    held = [category for section in SECTIONS for category in section.categories]
    assert sorted(held) == sorted(Category)


def test_a_section_that_was_not_measured_does_not_count() -> None:
    assert score_all([judged(State.PASS)]) == 100
    mixed = [judged(State.PASS), judged(State.FAIL, category=Category.BEHAVIOUR)]
    assert score_all(mixed) == pytest.approx(100 * 35 / 50)
    assert score_all([]) == 0


def test_the_worst_result_speaks_for_all() -> None:
    results = [
        Result(State.PASS, "good"),
        Result(State.FAIL, "bad"),
        Result(State.ERROR, "odd"),
        Result(State.FAIL, "sad"),
    ]
    assert worst(results).state == State.FAIL
    assert worst(results).said == "bad; sad (2 of 4)"
    assert worst([]).state == State.NOT_APPLICABLE


DECLARED = """
slo_p95_ms = 200
public_demo = true
[[direction]]
field = "size"
answer = "up"
[[invariance]]
field = "name"
values = ["a", "b"]
[[waiver]]
probe = "security.tls"
reason = "TLS ends at the ingress, which is audited apart"
by = "Ada Lovelace"
"""


def test_a_declaration_is_read(tmp_path: Path) -> None:
    file = tmp_path / "audit.toml"
    file.write_text(DECLARED)
    declared, waivers = read_declaration(file)
    assert declared.slo_seconds == 0.2
    assert declared.directions == (("size", "up"),)
    assert declared.invariances == (("name", ("a", "b")),)
    assert waivers == (Waiver("security.tls", "TLS ends at the ingress, which is audited apart", "Ada Lovelace"),)


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("slo = 1", "slo"),
        ("slo_p95_ms = 'fast'", "slo_p95_ms"),
        ("[[waiver]]\nprobe = 'a'\nreason = 'because'\nby = 'me'", "waiver.0.reason"),
        ("[[waiver]]\nprobe = 'a'", "waiver.0.by"),
        ("a = [", "no TOML"),
        ("\x00", "no TOML"),
    ],
)
def test_a_bad_declaration_is_told_by_place(tmp_path: Path, text: str, where: str) -> None:
    file = tmp_path / "audit.toml"
    file.write_text(text)
    with pytest.raises(ConfigError) as caught:
        read_declaration(file)
    assert where in str(caught.value)


def test_an_unknown_bound_of_a_budget_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "budget.toml"
    file.write_text("skore = 3\nscore = 101")
    with pytest.raises(ConfigError) as caught:
        read_budget(file)
    assert {mistake.where for mistake in caught.value.mistakes} == {"skore", "score"}


def test_headers_come_from_the_environment_and_are_never_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEY", "k3y")
    assert read_headers(["Authorization: Bearer env:KEY"]) == {"Authorization": "Bearer k3y"}
    with pytest.raises(ConfigError, match="NO_SUCH"):
        read_headers(["X: env:NO_SUCH"])
    for line in ("no colon", ": x", "X: a\r\nY: b", "X: é"):
        with pytest.raises(UsageError):
            read_headers([line])
