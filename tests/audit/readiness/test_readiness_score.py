"""What counts and how much: by itself or by hand, fresh or stale, attested or not."""

from contextlib import closing
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from trimtab import config
from trimtab.audit.readiness import visible_from_outside
from trimtab.audit.readiness.attest import Attestation, read_attestations, sign
from trimtab.audit.readiness.found import LOOP, Examination, Found, Ran, read_examination
from trimtab.audit.readiness.record import FORMAT, KEPT, STATE, keep_examination, read_examinations
from trimtab.audit.readiness.report import list_facts, tell
from trimtab.audit.readiness.rubric import TESTS, Section
from trimtab.audit.readiness.score import Mark, score
from trimtab.errors import ConfigError, StoreError, UsageError
from trimtab.nouns import State
from trimtab.nouns.identity import plain
from trimtab.store import open_catalog

from .conftest import Twin

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
PASS, FAIL, OPEN = (Found(state, "said") for state in (State.PASS, State.FAIL, State.CANNOT_TELL))
SIGNED = Attestation("data.4", "Ada", date(2026, 11, 1), date(2027, 3, 1), "These columns, and no others.")


def examined(found: Found, by: str = LOOP, *, days: float = 1, test: str = "data.1") -> Examination:
    return Examination(Ran(NOW - timedelta(days=days), by), {test: found})


def mark(*examinations: Examination, test: str = "data.1", signed: Attestation | None = None) -> Mark:
    readiness = score("small", examinations, [signed] if signed else [], now=NOW)
    return next(one for one in readiness.marks if one.test.id == test)


def sealed(one: Attestation, project: str = "small") -> Attestation:
    return replace(one, seal=one.sealed(project))


@pytest.mark.parametrize(
    ("examinations", "worth"),
    [
        ([], 0.0),
        ([examined(PASS)], 1.0),
        ([examined(PASS, "person:me")], 0.5),
        ([examined(PASS, days=31)], 0.0),
        ([examined(OPEN)], 0.0),
        ([examined(FAIL)], 0.0),
        ([examined(PASS, days=9), examined(FAIL, "person:me")], 0.0),
        ([examined(FAIL, days=9), examined(PASS, "person:me")], 0.5),
        ([examined(PASS, days=9), examined(PASS, "person:me")], 1.0),
        ([examined(PASS, days=9), examined(FAIL, days=5), examined(PASS, "person:me")], 0.5),
        ([examined(PASS, days=9), examined(OPEN)], 1.0),
    ],
)
def test_worth_of_an_automatic_test(examinations: list[Examination], worth: float) -> None:
    found = mark(*examinations)
    assert (found.worth, found.automatic) == (worth, worth)
    assert bool(found.missing) is (worth < 1.0)


def test_what_the_loop_made_counts_as_by_itself_until_it_is_old() -> None:
    """A person reads the account of a Version that the loop made."""
    ago = {days: replace(PASS, ran=Ran(NOW - timedelta(days=days), LOOP)) for days in (3, 31)}
    assert mark(examined(ago[3], "person:me")).worth == 1.0
    assert mark(examined(ago[31], "person:me")).worth == 0.5
    by_hand = replace(PASS, ran=Ran(NOW - timedelta(days=3), "person:train"))
    assert mark(examined(by_hand, "person:me")).worth == 0.5


@pytest.mark.parametrize(
    ("found", "signed", "worth"),
    [
        (PASS, None, 0.0),
        (PASS, sealed(SIGNED), 0.5),
        (OPEN, sealed(SIGNED), 0.5),
        (FAIL, sealed(SIGNED), 0.0),
        (PASS, SIGNED, 0.0),
        (PASS, sealed(SIGNED, "another"), 0.0),
        (PASS, replace(sealed(SIGNED), statement="All columns."), 0.0),
        (PASS, sealed(replace(SIGNED, until=date(2026, 11, 24))), 0.0),
        (PASS, sealed(replace(SIGNED, on=date(2026, 11, 26))), 0.0),
        (PASS, sealed(replace(SIGNED, on=date(2025, 1, 1), until=date(2035, 1, 1))), 0.0),
    ],
)
def test_worth_of_a_test_that_needs_a_person(found: Found, signed: Attestation | None, worth: float) -> None:
    """A signature is worth a half, never overrules a failure, and counts only as it was signed, for a year at most."""
    marked = mark(examined(found, test="data.4"), test="data.4", signed=signed)
    assert (marked.worth, marked.automatic) == (worth, 0.0)
    assert "attest" in marked.missing or worth or found is FAIL


def test_an_attested_test_without_a_check_is_worth_a_half() -> None:
    signed = sealed(replace(SIGNED, test="model.7"))
    assert mark(test="model.7", signed=signed).worth == 0.5
    assert "whom the answers touch" in mark(test="model.7").missing


def test_the_weakest_section_is_the_score() -> None:
    every = {test.id: PASS for test in TESTS if test.section is not Section.MODEL}
    one = Examination(Ran(NOW, LOOP), {**every, "model.4": PASS})
    readiness = score("small", [one], [], now=NOW)
    assert {section.value: worth for section, worth in readiness.sections().items()} == {
        "data": 3.0,
        "model": 1.0,
        "infrastructure": 7.0,
        "monitoring": 6.0,
    }
    assert (readiness.score, readiness.automatic_score, readiness.failed) == (1.0, 1.0, ())
    assert readiness.meaning.startswith("not totally untested")


def test_the_report_tells_every_test_and_what_is_missing() -> None:
    readiness = score("small", [examined(FAIL)], [sealed(SIGNED)], now=NOW)
    lines = list(tell(readiness))
    assert lines[0] == "small: readiness 0.0 of 7, the score of the weakest section."
    assert sum(test.id in line for test in TESTS for line in lines) == 28
    assert sum("missing:" in line for line in lines) == 28
    facts = plain(list_facts(readiness))
    assert (facts["format"], facts["rubric"], len(facts["tests"])) == (1, 1, 28)
    assert facts["tests"][0].keys() == {
        *("id", "section", "title", "kind", "state", "score", "automatic", "said", "missing", "evidence", "numbers"),
        *("ran", "attested"),
    }
    assert facts["tests"][3]["attested"]["who"] == "Ada"


def test_four_tests_are_seen_from_outside_and_five_in_part() -> None:
    reach = [test.outside for test in visible_from_outside()]
    assert (reach.count("fully"), reach.count("partly"), len(TESTS)) == (4, 5, 28)
    assert all(sum(test.section is section for test in TESTS) == 7 for section in Section)


def test_an_examination_comes_back_from_the_catalog_as_it_was(twin: Twin) -> None:
    project = config.load(twin.folder)
    own = replace(PASS, numbers={"rows": 3}, evidence=("v1",), ran=Ran(NOW, LOOP))
    kept = [Examination(Ran(NOW, "person:me"), {"data.1": own}, float(n)) for n in range(KEPT + 2)]
    for one in kept:
        keep_examination(project, one)
    assert read_examinations(project) == tuple(kept[2:])
    assert read_examination(plain(kept[0])) == kept[0]


def test_a_record_of_a_newer_trimtab_is_neither_read_nor_written_over(twin: Twin) -> None:
    project = config.load(twin.folder)
    newer = {"format": FORMAT + 1, "examinations": []}
    with closing(open_catalog(project)) as catalog:
        catalog.put_state(STATE, newer)
        with pytest.raises(StoreError, match="format"):
            read_examinations(project)
        with pytest.raises(StoreError, match="format"):
            keep_examination(project, Examination(Ran(NOW, LOOP), {}))
        assert catalog.get_state(STATE) == newer


def test_a_statement_is_signed_and_read_again(tmp_path: Path) -> None:
    assert read_attestations(tmp_path) == ()
    first = sign(tmp_path, "small", SIGNED)
    second = sign(tmp_path, "small", replace(SIGNED, test="model.7", statement='No "group" at all.\nNone.'))
    assert read_attestations(tmp_path) == (first, second)
    assert second.objection("small", NOW.date()) == ""


def test_every_mistake_of_the_file_is_told(tmp_path: Path) -> None:
    text = 'format = 2\n[[attestation]]\ntest = "data.9"\nwho = 3\non = 2026-11-01\nuntil = "soon"\nstatment = "x"\n'
    (tmp_path / "attestations.toml").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        read_attestations(tmp_path)
    told = {mistake.where: mistake.what for mistake in caught.value.mistakes}
    assert set(told) == {
        "format",
        *(f"attestation 1.{name}" for name in ("test", "who", "until", "statement", "statment")),
    }
    assert "did you mean 'statement'" in told["attestation 1.statment"]


@pytest.mark.parametrize("wrong", [{"test": "data.9"}, {"statement": "  "}])
def test_what_cannot_be_signed_is_refused(tmp_path: Path, wrong: dict[str, str]) -> None:
    with pytest.raises(UsageError):
        sign(tmp_path, "small", replace(SIGNED, **wrong))  # type: ignore[arg-type]
    assert not (tmp_path / "attestations.toml").exists()


def test_the_attestations_of_the_example_hold() -> None:
    folder = Path(__file__).parents[3] / "examples" / "flights"
    signed = read_attestations(folder)
    assert signed
    assert [one.objection("flights", one.on) for one in signed] == [""] * len(signed)
