"""A Trim of several Versions: one row, many rows and a row answered again have the same bits, alone and together."""

from collections.abc import Mapping, Sequence
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trimtab.contract.clean import compile_frame
from trimtab.errors import VersionError
from trimtab.nouns import Member, Trim
from trimtab.serve.answer import Breaker, Given, answer_row
from trimtab.serve.explain import explain_record
from trimtab.serve.frame import FrameAnswers
from trimtab.serve.live import Shelf
from trimtab.serve.model import Live, compile_live, compile_model
from trimtab.store import open_blobs, open_catalog
from trimtab.store.record import features_text, json_text
from trimtab.train.artefact import Package, open_version

CALIBRATION = st.one_of(st.just((1.0, 0.0)), st.tuples(st.floats(0.2, 3.0), st.floats(-3.0, 3.0)))


@pytest.fixture(scope="session")
def packages(wider_world: Any) -> Mapping[str, Package]:
    return {name: open_version(folder) for name, folder in wider_world.folders.items()}


def live_of(world: Any, packages: Mapping[str, Package], members: Sequence[Member], threshold: Any = 0.4) -> Live:
    """Return what answers for members that are named as in the world."""
    by_id = {world.ids[name]: name for name in world.ids}
    trim = Trim(7, tuple(Member(world.ids[one.version], one.weight, one.calibration) for one in members), threshold)
    return compile_live(trim, lambda id_: compile_model(world.describe(by_id[id_]), packages[by_id[id_]]))


def ask_alone(live: Live, row: dict[str, Any]) -> Given | None:
    clean = live.model.row(row)
    if clean.reasons:
        return None
    one = Given({}, clean.values, clean.warnings, live.model.id, live.model.name, live.model.contract.id)
    answer_row(live, Breaker(), "none", row, one)
    return one


def ask_together(live: Live, rows: list[dict[str, Any]]) -> dict[int, tuple[Any, list[str]]]:
    """Return the output and the warnings of each row that the champion's Contract accepts, as `score` makes them."""
    raw = pl.DataFrame(rows, schema_overrides={"age": pl.Int64, "plan/type": pl.String}).with_row_index("_row")
    raw = raw.with_columns(pl.col("_row").cast(pl.Int64), _arrived_at=pl.lit(datetime.now(UTC)))
    clean = compile_frame(live.model.contract, text=False).apply(raw).clean
    answers, left_out = FrameAnswers(live, text=False).answer(clean, raw)
    return {
        number: (live.model.output(answer), [*warnings, *left_out.get(number, [])])
        for number, answer, warnings in zip(clean["_row"], answers.tolist(), clean["_warnings"], strict=True)
    }


def logged(live: Live, row: dict[str, Any], given: Given) -> dict[str, Any]:
    """Return what the log holds of an answer, as far as it is made again from it."""
    return {
        "raw": json_text(row),
        "features": features_text(live.model.columns, given.values),
        "output": json_text(given.output),
        "version": given.version,
        "epoch": live.epoch,
        "fallback": given.fallback,
    }


def rows_like(good: dict[str, Any]) -> st.SearchStrategy[list[dict[str, Any]]]:
    changes = st.fixed_dictionaries(
        {
            "size": st.floats(-5, 1010),
            "age": st.one_of(st.none(), st.integers(18, 90)),
            "plan/type": st.sampled_from(["a", "b", "c", "zz", None]),
            "color": st.sampled_from(["red", "blue"]),
        }
    )
    return st.lists(changes.map(lambda change: {**good, **change}), min_size=1, max_size=12)


@settings(max_examples=40, deadline=None)
@given(data=st.data(), names=st.sampled_from(["first second", "first second third", "third strict", "strict first"]))
def test_alone_and_together_have_the_same_bits(
    wider_world: Any, packages: Any, data: st.DataObject, names: str
) -> None:
    parts = data.draw(st.lists(st.floats(0.05, 1), min_size=len(names.split()), max_size=len(names.split())))
    members = [
        Member(name, part / sum(parts), data.draw(CALIBRATION)) for name, part in zip(names.split(), parts, strict=True)
    ]
    live = live_of(wider_world, packages, members)
    rows = data.draw(rows_like(GOOD))
    together = ask_together(live, rows)
    for number, row in enumerate(rows):
        alone = ask_alone(live, row)
        assert (alone is None) == (number not in together)
        if alone is not None:
            output, warnings = together[number]
            assert (alone.output, alone.warnings) == (output, warnings)
            assert np.float64(alone.output["probability"]).tobytes() == np.float64(output["probability"]).tobytes()
            assert explain_record(lambda *, text: live, logged(live, row, alone))["same"] is True


GOOD: dict[str, Any] = {
    "customer": "c1",
    "asked_at": "2026-02-01T12:00:00Z",
    "size": 300.5,
    "age": 41,
    "plan/type": "a",
    "color": "red",
    "member": True,
    "Größe (cm)": 181.5,
}


@pytest.mark.parametrize("task", ["regression", "multiclass"])
def test_other_tasks_blend_too(other_worlds: Any, task: str) -> None:
    world = other_worlds[task]
    opened = {name: open_version(folder) for name, folder in world.folders.items()}
    shifts = (0.5, -0.5, 0.1) if task == "multiclass" else (2.5,)
    live = live_of(world, opened, [Member("first", 0.7, (0.9, *shifts)), Member("second", 0.3)], None)
    rows = [{**GOOD, "size": size} for size in (1.0, 250.25, 499.0)]
    together = ask_together(live, rows)
    assert [ask_alone(live, row).output for row in rows] == [together[number][0] for number in range(3)]  # type: ignore[union-attr]
    alone = live_of(world, opened, [Member("first")], None)
    assert ask_alone(alone, rows[1]).output != together[1][0]  # type: ignore[union-attr]


def test_a_plain_trim_costs_nothing_more(wider_world: Any, packages: Any) -> None:
    """No blend stands between a Version at weight 1 and its answer."""
    live = live_of(wider_world, packages, [Member("first")])
    assert live.blended is None
    assert live.model.threshold == 0.4


def test_a_version_whose_contract_refuses_the_row_is_left_out(wider_world: Any, packages: Any) -> None:
    """The others answer as if it were not there, and the reply says so; the champion's Contract decides alone."""
    members = [Member("first", 0.4), Member("second", 0.3), Member("strict", 0.3)]
    row = {**GOOD, "age": None}
    given = ask_alone(live_of(wider_world, packages, members), row)
    assert given is not None
    without = ask_alone(live_of(wider_world, packages, [Member("first", 4 / 7), Member("second", 3 / 7)]), row)
    assert without is not None
    assert given.output["probability"] == pytest.approx(without.output["probability"], abs=1e-15)
    assert given.warnings == [*without.warnings, "left_out:v0"]
    assert ask_alone(live_of(wider_world, packages, [Member("first", 0.4), Member("strict", 0.6)]), row) is None


def test_the_threshold_is_the_trims_and_the_name_the_champions(wider_world: Any, packages: Any) -> None:
    members = [Member("first", 0.3), Member("second", 0.4), Member("first", 0.3, (2.0, 0.1))]
    for threshold, prediction in ((0.0, "yes"), (1.0, "no")):
        given = ask_alone(live_of(wider_world, packages, members, threshold), GOOD)
        assert given is not None
        assert (given.version, given.output["prediction"]) == (wider_world.ids["first"], prediction)


@pytest.mark.parametrize(
    ("members", "wrong"),
    [
        ([Member("first", 0.5), Member("second", 0.4)], "add up to 1"),
        ([Member("first", 1.5), Member("second", -0.5)], "from 0 up"),
        ([Member("first", 0.5), Member("second", 0.5, (1.0, 0.0, 0.0))], "does not fit the task"),
        ([Member(name, 0.25) for name in ("first", "second", "third", "strict")], "one to 3 Versions"),
    ],
)
def test_an_odd_trim_never_answers(wider_world: Any, packages: Any, members: Any, wrong: str) -> None:
    with pytest.raises(VersionError, match=wrong):
        live_of(wider_world, packages, members)


def test_versions_of_two_questions_never_answer_together(wider_world: Any, other_worlds: Any, packages: Any) -> None:
    other = open_version(other_worlds["multiclass"].folders["first"])
    with pytest.raises(VersionError, match="same question"):
        live_of(wider_world, {**packages, "second": other}, [Member("first", 0.5), Member("second", 0.5)])


def test_weights_that_move_open_no_version_again(world: Any, tmp_path: Path) -> None:
    """Also where the champion becomes another one, and the Trim goes back to one Version."""
    project = world.make_project(tmp_path / "p")
    with closing(open_catalog(project)) as catalog:
        opened: list[str] = []

        def try_golden(version: str) -> str:
            opened.append(version)
            return ""

        shelf: Any = Shelf(catalog, open_blobs(project), try_golden)
        live, _ = shelf.open_first()
        for weight in (0.1, 0.6, 0.9):
            world.share(project, Member("first", 1 - weight), Member("second", weight), threshold=weight)
            live = shelf.open_trim(catalog.trim(), live)
        assert (live.model.id, live.model.threshold) == (world.ids["second"], 0.9)
        world.promote(project, "first")
        back = shelf.open_trim(catalog.trim(), live)
        assert (back.blended, back.previous.id, back.previous.threshold) == (None, world.ids["second"], 0.9)
        assert opened == [world.ids["first"], world.ids["second"]]


def test_a_worker_serves_a_trim_and_follows_its_weights(
    world: Any, serving: Any, tmp_path: Path, good: dict[str, Any]
) -> None:
    """Alone, among many and through both changes: every reply is one epoch's."""
    project = world.make_project(tmp_path / "p")
    server = serving(tmp_path / "p")
    first = server.ask(good).json()
    world.share(project, Member("first", 0.6, (1.2, -0.1)), Member("second", 0.4), threshold=0.5)
    server.wait_for(lambda: server.ask(good).json()["epoch"] == 2)
    blend = server.ask(good).json()
    assert blend["version"] == "v1"
    assert blend["probability"] != first["probability"]
    many = server.ask({"rows": [good] * 3}).json()["results"]
    assert {one["probability"] for one in many} == {blend["probability"]}
    world.share(project, Member("first", 0.2), Member("second", 0.8), threshold=0.5)
    server.wait_for(lambda: server.ask(good).json()["epoch"] == 3)
    assert server.ask(good).json()["version"] == "v2"
