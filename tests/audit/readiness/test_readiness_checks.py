"""Each check that needs no server: it passes in a project in good order, and fails where what it looks for is wrong."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest

from trimtab import clock
from trimtab.audit.readiness.check import Check
from trimtab.audit.readiness.checks import (
    CHECKS,
    age,
    beneficial,
    change,
    contest,
    cost,
    explained,
    features,
    meta,
    privacy,
    quality,
    repeat,
    review,
    schema,
    shuffled,
    skew,
    slices,
    spec,
    speed,
    stale,
    whole,
)
from trimtab.audit.readiness.examine import run_check
from trimtab.audit.readiness.found import LOOP, Found, Ran
from trimtab.audit.readiness.ground import Ground, open_ground
from trimtab.audit.readiness.rubric import BY_ID
from trimtab.audit.readiness.spoil import spoil_row
from trimtab.errors import TrimtabError
from trimtab.loop.cycle import ingest
from trimtab.loop.known import Labelled
from trimtab.loop.state import open_wheel
from trimtab.nouns import Column, Decision, Finding, Judgement, Member, State, Trim

from .conftest import Twin, say_nothing

Rewrite = Callable[[str, str, str], None]
IN_GOOD_ORDER = (
    *(schema.CHECK, cost.CHECK, meta.CHECK, privacy.CHECK, features.CHECK, stale.CHECK),
    *(contest.SIMPLE, slices.CHECK, spec.CHECK, shuffled.CHECK, explained.CHECK, change.CHECK, skew.CHECK),
    *(age.CHECK, speed.CHECK, quality.CHECK),
)


@pytest.mark.parametrize("check", IN_GOOD_ORDER, ids=lambda check: check.test)
def test_check_passes_in_a_project_in_good_order(ground: Ground, check: Check) -> None:
    found = check.run(ground)
    assert (found.state, found.said != "") == (State.PASS, True), found


def test_every_check_belongs_to_a_test_and_no_test_has_two() -> None:
    tests = [check.test for check in CHECKS]
    assert len(set(tests)) == len(tests)
    assert {BY_ID[test].kind for test in tests} == {"automatic", "partly"}
    assert {test.id for test in BY_ID.values() if test.kind != "attested"} == set(tests)


def examine_twin(twin: Twin, check: Check) -> Found:
    with open_ground(twin.folder, say_nothing) as ground:
        return check.run(ground)


def test_schema_fails_where_kept_rows_are_refused(ground: Ground) -> None:
    narrow = replace(ground.wheel.contract.by_name["b"], hard=(0.0, 1.0))
    _change(ground, narrow)
    found = schema.CHECK.run(ground)
    assert found.state is State.FAIL
    assert int(found.numbers["refused"]) > 0


def _change(ground: Ground, column: Column) -> None:
    """Put a column into the contract that the ground's wheel holds, where the rows are already cleaned."""
    contract = ground.wheel.contract
    columns = tuple(column if one.name == column.name else one for one in contract.columns)
    clean = ground.wheel.lake.read(ground.wheel.clean).collect()
    vars(ground.wheel)["contract"] = replace(contract, columns=columns)
    ground.wheel.lake.append(ground.wheel.clean, clean)
    ground.rows  # noqa: B018 - valid rows by the new contract


def test_a_row_is_spoiled_once_for_each_rule(ground: Ground) -> None:
    spoiled = spoil_row(ground.wheel.contract, ground.rows[0])
    ways = {(one.field, one.wrong) for one in spoiled}
    assert ways >= {("id", "missing"), ("a", "above its hard range"), ("kind", "a category that is refused")}
    assert all(one.row != ground.rows[0] for one in spoiled)


def test_columns_that_are_worth_nothing_are_told_from_those_that_are(ground: Ground) -> None:
    assert beneficial.measure_without(ground, ["a"]).low > 0.0
    found = beneficial.CHECK.run(ground)
    assert (found.state, "kind" in found.missing, "a," in found.missing) == (State.FAIL, True, False)


def test_an_empty_column_costs_in_vain(ground: Ground) -> None:
    known = ground.newest
    vars(ground)["newest"] = Labelled(known.rows.with_columns(b=pl.lit(None, pl.Float64)), known.snapshot)
    found = cost.CHECK.run(ground)
    assert found.state is State.FAIL
    assert "b" in found.missing


def test_a_personal_feature_is_refused(ground: Ground) -> None:
    vars(ground.wheel)["contract"] = replace(
        ground.wheel.contract, columns=(*ground.wheel.contract.columns, Column("mail", "text", pii=True))
    )
    assert "mail" in meta.CHECK.run(ground).missing


def test_an_address_in_clear_is_found(ground: Ground) -> None:
    row = ground.wheel.lake.read("raw/events").tail(1).with_columns(kind=pl.lit("anna@example.com")).collect()
    ground.wheel.lake.append("raw/events", row)
    assert set(privacy.find_personal(ground)) == {"raw/events.kind: an e-mail address"}


def test_a_pipeline_that_gives_other_rows_today_fails(twin: Twin, rewrite: Rewrite) -> None:
    rewrite("pipeline.sql", "* 2", "* 3")
    found = examine_twin(twin, features.CHECK)
    assert (found.state, found.numbers["apart"] != 0) == (State.FAIL, True)


def test_faults_that_nothing_notices_fail(twin: Twin, rewrite: Rewrite) -> None:
    """Conditions that never decide anything can be wrong without a trace."""
    rewrite("pipeline.sql", "from events\n", "from events where 5 < 70 and 6 < 71 and 7 < 72 or 8 < 73\n")
    found = examine_twin(twin, features.CHECK)
    assert (found.state, found.numbers["apart"]) == (State.FAIL, 0)
    assert float(found.numbers["killed"]) < 0.7 * float(found.numbers["mutants"])


def test_a_contract_that_was_edited_since_the_fit_is_not_what_was_reviewed(twin: Twin, rewrite: Rewrite) -> None:
    rewrite("contract.toml", "hard = [-100, 100]\n[columns.kind]", "hard = [-99, 100]\n[columns.kind]")
    assert examine_twin(twin, review.CHECK).state is State.FAIL


def test_without_git_nobody_can_tell_who_reviewed(ground: Ground) -> None:
    assert review.CHECK.run(ground).state is State.CANNOT_TELL


def test_labels_in_random_order_leave_the_recipe_no_better_than_a_simple_one(ground: Ground) -> None:
    known = ground.newest
    vars(ground)["newest"] = Labelled(known.rows.with_columns(pl.col("_label").shuffle(3)), known.snapshot)
    assert contest.SIMPLE.run(ground).state is State.FAIL


def test_settings_that_a_search_beats_fail(ground: Ground) -> None:
    trim, version = ground.champion
    weak = {"family": "linear", "params": {"C": 1e-6}}
    vars(ground)["champion"] = (trim, replace(version, recipe=weak))
    assert contest.TUNED.run(ground).state is State.FAIL


def test_a_recipe_that_learns_nothing_fails(ground: Ground) -> None:
    trim, version = ground.champion
    vars(ground)["champion"] = (trim, replace(version, recipe={"family": "baseline", "params": {}}))
    found = spec.CHECK.run(ground)
    assert found.state is State.FAIL
    assert float(found.numbers["learnt"]) < 0.01


def test_a_slice_that_is_answered_worse_than_by_chance_fails(ground: Ground) -> None:
    text = ground.files["account.json"].decode()
    assert '"slices":[{' in text
    start = text.index('"slices":[{')
    at = text.index('"roc_auc":{', start)
    end = text.index("}", at)
    worse = f'{text[:at]}"roc_auc":{{"high":0.45,"low":0.3,"rows":90,"value":0.4{text[end:]}'
    vars(ground)["files"] = {**ground.files, "account.json": worse.encode()}
    assert slices.CHECK.run(ground).state is State.FAIL


def test_trained_in_two_processes_the_same_version_comes_out(ground: Ground) -> None:
    found = repeat.CHECK.run(ground)
    assert found.state is State.PASS, found
    assert repeat.compare(ground, "a" * 12, "b" * 12).state is State.FAIL


@pytest.mark.parametrize(("gates", "state"), [('"golden"', State.FAIL), ('"golden", "not_worse"', State.PASS)])
def test_with_the_gate_off_a_useless_model_is_let_in(twin: Twin, gates: str, state: State) -> None:
    file = twin.folder / "trimtab.toml"
    file.write_text(f"{file.read_text(encoding='utf-8')}[gates]\nuse = [{gates}]\n", encoding="utf-8")
    found = examine_twin(twin, shuffled.CHECK)
    assert found.state is state
    assert int(found.numbers["rows"]) >= 100


def log_again(twin: Twin, **changes: pl.Expr) -> None:
    """Append the newest logged answer once more, changed."""
    newest = twin.wheel.lake.read("predictions").sort("_arrived_at").tail(1).collect()
    changed = newest.with_columns(id=pl.lit("again"), _arrived_at=pl.lit(clock.now()), **changes)
    twin.wheel.lake.append("predictions", changed.cast(newest.schema))


def test_one_skewed_feature_in_the_log_fails(twin: Twin) -> None:
    log_again(twin, features=pl.col("features").str.replace('"b":-?', '"b":7'))
    found = examine_twin(twin, skew.CHECK)
    assert (found.state, found.numbers["recomputed_apart"], found.numbers["table_apart"]) == (State.FAIL, 1, 1)


def test_an_answer_that_cannot_be_made_again_fails(twin: Twin) -> None:
    log_again(twin, output=pl.lit('{"prediction":"yes","probability":0.123}'))
    assert examine_twin(twin, explained.CHECK).numbers["same"] == explained.ANSWERS - 1


def test_a_model_that_nobody_renewed_fails(twin: Twin) -> None:
    version = twin.wheel.catalog.find_version("champion")
    old = replace(version.snapshot, as_of=clock.now() - timedelta(days=91))
    twin.wheel.catalog.add_version(replace(version, id="a" * 12, snapshot=old))
    moment = clock.now()
    decision = Decision("promote", "test", ("it is old",), moment, moment)
    twin.wheel.catalog.decide(decision, Trim(twin.wheel.catalog.epoch() + 1, (Member("a" * 12),), None))
    assert examine_twin(twin, age.CHECK).state is State.FAIL


def test_answers_that_take_longer_than_at_first_fail(twin: Twin) -> None:
    logged = twin.wheel.lake.read("predictions").sort("_arrived_at").tail(110).collect()
    slow = logged.with_columns(id="slow" + pl.col("id"), latency_us=pl.lit('{"model":90000}'))
    slow = slow.with_columns(pl.col("_arrived_at") + pl.duration(hours=1))
    twin.wheel.lake.append("predictions", slow)
    assert examine_twin(twin, speed.CHECK).state is State.FAIL


def test_an_alarm_that_tolerates_everything_stays_silent_and_fails(twin: Twin, rewrite: Rewrite) -> None:
    rewrite("trimtab.toml", 'use = ["risk"]', 'use = ["risk"]\ntolerance = { absolute = 0.9, relative = 9.0 }')
    found = examine_twin(twin, quality.CHECK)
    assert found.state is State.FAIL
    assert "stays silent" in found.said


@pytest.mark.slow
def test_the_whole_wheel_turns_in_small_and_starts_no_drills_of_its_own(twin: Twin) -> None:
    declared = twin.folder / "trimtab.toml"
    declared.write_text(f'{declared.read_text(encoding="utf-8")}[loop]\ndrills = "7d"\n', encoding="utf-8")
    told: list[str] = []
    with open_ground(twin.folder, told.append) as ground:
        found = whole.CHECK.run(ground)
    assert (found.numbers["answered"], found.numbers["lost"]) == (20, 0), found
    assert not any("drills" in line for line in told)


def test_right_after_a_promotion_the_alarm_before_it_is_what_is_known(twin: Twin, rewrite: Rewrite) -> None:
    rewrite("trimtab.toml", "min_labels = 50", "min_labels = 5000")
    with open_ground(twin.folder, say_nothing) as ground:
        assert quality.CHECK.run(ground).state is State.CANNOT_TELL
        moment = clock.now()
        alarm = Judgement("risk", State.FAIL, ("mean loss 0.3, limit 0.2",))
        finding = Finding("risk", alarm, ground.champion[1].id, moment, fires=True)
        due = Decision("retrain", "trigger:risk", alarm.reasons, moment, moment, finding=finding, number=7)
        vars(ground)["journal"] = (*ground.journal, due)
        found = quality.CHECK.run(ground)
    assert (found.state, found.ran, found.evidence) == (State.PASS, Ran(moment, LOOP), ("Decision 7",))


def test_a_renamed_column_that_nobody_must_have_goes_unnoticed(twin: Twin, rewrite: Rewrite) -> None:
    rewrite("contract.toml", "required = true\nhard", "hard")
    (twin.folder / "drop").mkdir()
    ingest(open_wheel(twin.folder), tell=say_nothing)
    found = examine_twin(twin, change.CHECK)
    assert (found.state, found.numbers) == (State.FAIL, {"told": 0, "silent": 1})


def test_a_check_that_breaks_cannot_tell(ground: Ground) -> None:
    """Whatever goes wrong, nothing passes by it."""

    def break_(_: Ground) -> Found:
        raise ZeroDivisionError

    def refuse(_: Ground) -> Found:
        raise TrimtabError("no rows", hint="ingest some")

    broken = run_check(Check("data.1", "breaks", break_), ground)
    refused = run_check(Check("data.1", "refuses", refuse), ground)
    assert (broken.state, "ZeroDivisionError" in broken.said) == (State.CANNOT_TELL, True)
    assert (refused.state, refused.said, refused.missing) == (State.CANNOT_TELL, "cannot tell: no rows", "ingest some")


def test_nothing_of_the_project_is_changed(project: Path) -> None:
    before = read_folder(project)
    with open_ground(project, say_nothing) as ground:
        for check in (schema.CHECK, shuffled.CHECK, privacy.CHECK):
            check.run(ground)
        assert ground.wheel.project.state.parent != project
    assert read_folder(project) == before


def read_folder(folder: Path) -> dict[str, bytes]:
    """Return every file with its bytes; SQLite's shared memory is no content."""
    files = (path for path in folder.rglob("*") if path.is_file() and path.suffix not in {".db-shm", ".db-wal"})
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}
