from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import MappingProxyType

import polars as pl
import pytest

from trimtab import clock
from trimtab.errors import UsageError
from trimtab.loop.forward import OUTCOMES, PREDICTIONS, frame_of
from trimtab.loop.known import AsOf, count_once, given_answers, load_answers, load_labelled, resolve
from trimtab.loop.state import Wheel
from trimtab.nouns import Project
from trimtab.store import open_blobs, open_catalog, open_index, open_lake

CONTRACT = """
format = 1
[row]
key = ["id"]
order = "file"
[target]
column = "y"
task = "binary"
positive = "yes"
classes = ["no", "yes"]
[columns.id]
type = "integer"
role = "key"
[columns.a]
type = "number"
[columns.when]
type = "time"
"""
START = datetime(2026, 1, 1, tzinfo=UTC)
NOW = AsOf(START + timedelta(days=9), START + timedelta(days=9))
FEATURES = MappingProxyType({"id": 1, "a": 0.1, "when": "2026-01-01T00:00:00.000000Z"})


def day(number: float) -> datetime:
    return START + timedelta(days=number)


@pytest.fixture
def wheel(tmp_path: Path) -> Wheel:
    state = tmp_path / ".trimtab"
    state.mkdir()
    (tmp_path / "contract.toml").write_text(CONTRACT, encoding="utf-8")
    project = Project("small", tmp_path, state, tmp_path / "contract.toml")
    return Wheel(project, open_lake(project), open_catalog(project), open_blobs(project), open_index(project))


def predict(
    wheel: Wheel, identity: str, arrived: float, key: int | None = None, a: float = 0.1, p: float = 0.5
) -> None:
    text = None if key is None else f'{{"id":{key}}}'
    record = {
        "id": identity, "_event_at": day(arrived), "_arrived_at": day(arrived), "key": text, "version": "v",
        "features": {**FEATURES, "id": key, "a": a}, "fallback": "", "epoch": 1,
        "probability": p,
    }  # fmt: skip
    wheel.lake.append("predictions", frame_of([record], PREDICTIONS))


def learn(wheel: Wheel, value: str, known: float, *, identity: str | None = None, key: int | None = None) -> None:
    text = None if key is None else f'{{"id":{key}}}'
    record = {
        "id": f"o{known}", "prediction_id": identity, "key": text, "value": value,
        "known_at": day(known), "_arrived_at": day(known),
    }  # fmt: skip
    wheel.lake.append("outcomes", frame_of([record], OUTCOMES))


def read_clean(wheel: Wheel, rows: Iterable[tuple[int, float, str | None, float]]) -> None:
    """Put rows (key, a, label, day of arrival) into the table of clean rows."""
    frame = pl.DataFrame(
        [
            {"id": key, "a": a, "when": day(0), "_label": label, "_event_at": day(at), "_row": place,
             "_source": "rows", "_arrived_at": day(at), "_warnings": list[str]()}
            for place, (key, a, label, at) in enumerate(rows)
        ],
        schema_overrides={"_label": pl.String, "_warnings": pl.List(pl.String),
                          **dict.fromkeys(("when", "_event_at", "_arrived_at"), pl.Datetime("us", "UTC"))},
    )  # fmt: skip
    wheel.lake.append(wheel.clean, frame)


def values(wheel: Wheel, at: AsOf = NOW) -> dict[str, str | None]:
    return {row["id"]: row["value"] for row in load_answers(wheel, at).iter_rows(named=True)}


def test_the_newest_outcome_known_at_the_moment_counts_and_the_older_stays(wheel: Wheel) -> None:
    predict(wheel, "p", 1)
    learn(wheel, "no", 2, identity="p")
    learn(wheel, "yes", 4, identity="p")
    assert values(wheel) == {"p": "yes"}
    assert values(wheel, AsOf(day(3), day(3))) == {"p": "no"}
    assert values(wheel, AsOf(day(1.5), day(1.5))) == {"p": None}
    assert wheel.lake.read("outcomes").collect().height == 2


def test_an_outcome_by_key_joins_only_predictions_made_before_it_was_known(wheel: Wheel) -> None:
    predict(wheel, "early", 1, key=7)
    predict(wheel, "again", 2, key=7)
    predict(wheel, "after", 5, key=7)
    predict(wheel, "other", 1, key=8)
    learn(wheel, "yes", 3, key=7)
    assert values(wheel) == {"early": "yes", "again": "yes", "after": None, "other": None}


def test_metrics_count_the_last_prediction_of_a_key_once(wheel: Wheel) -> None:
    predict(wheel, "early", 1, key=7)
    predict(wheel, "again", 2, key=7)
    predict(wheel, "free", 1)
    predict(wheel, "loose", 1)
    assert set(count_once(load_answers(wheel, NOW))["id"]) == {"again", "free", "loose"}


def test_what_was_answered_counts_as_it_was_given_before_the_label(wheel: Wheel) -> None:
    """Later answers to the same key may have learnt from it, and at that moment nobody knew them."""
    read_clean(wheel, [(1, 1.5, "no", 3), (2, 2.5, "yes", 3)])
    for identity, arrived, key, p in (("a", 1, 1, 0.1), ("b", 2, 1, 0.2), ("c", 4, 1, 0.9), ("d", 4, 2, 0.8)):
        predict(wheel, identity, arrived, key=key, p=p)
    predict(wheel, "free", 2, p=0.3)
    learn(wheel, "yes", 5, identity="free")
    rows = load_labelled(wheel, NOW).rows
    places, given = given_answers(wheel, rows, 1)
    found = {(rows["id"][place], rows["_id"][place]): p for place, p in zip(places.tolist(), given, strict=True)}
    assert found == {(1, ""): 0.2, (None, "free"): 0.3}
    assert given_answers(wheel, rows, 2)[0].tolist() == []


def test_labelled_rows_come_from_sources_and_from_answered_requests_once_per_key(wheel: Wheel) -> None:
    read_clean(wheel, [(1, 1.5, "no", 0.1), (2, 2.5, None, 0.1), (3, 3.5, None, 0.1)])
    predict(wheel, "p", 2, key=9, a=0.1 + 0.2)
    predict(wheel, "q", 3, key=3, a=-7.0)
    learn(wheel, "yes", 4, key=2)
    learn(wheel, "no", 4, identity="p")
    learn(wheel, "yes", 5, key=3)
    known = load_labelled(wheel, NOW)
    rows, snapshot = known.rows, known.snapshot
    found = {row["id"]: (row["a"], row["_label"]) for row in rows.iter_rows(named=True)}
    assert found == {1: (1.5, "no"), 2: (2.5, "yes"), 9: (0.1 + 0.2, "no"), 3: (-7.0, "yes")}
    assert rows["when"].to_list() == [day(0)] * 4
    assert snapshot.rows == 4
    assert snapshot.pins == {wheel.clean: 1, "predictions": 2, "outcomes": 3}


def test_what_arrives_later_changes_nothing_that_was_known(wheel: Wheel) -> None:
    """Corrupt the future in every way: the Snapshot of a moment keeps its fingerprint."""
    read_clean(wheel, [(1, 1.5, "no", 0.1), (2, 2.5, "yes", 0.2)])
    predict(wheel, "p", 1, key=9)
    learn(wheel, "no", 2, identity="p")
    at = AsOf(day(3), day(3))
    before = load_labelled(wheel, at).snapshot.fingerprint
    read_clean(wheel, [(1, 99.0, "yes", 3.5)])
    predict(wheel, "q", 4, key=1)
    learn(wheel, "yes", 4, identity="p")
    learn(wheel, "yes", 4, key=2)
    assert load_labelled(wheel, at).snapshot.fingerprint == before
    assert load_labelled(wheel, NOW).snapshot.fingerprint != before


def test_a_position_counts_rows_in_the_order_of_arrival(wheel: Wheel) -> None:
    read_clean(wheel, [(1, 1.5, "no", 0.1), (2, 2.5, "yes", 0.2)])
    predict(wheel, "p", 1)
    predict(wheel, "q", 2)
    learn(wheel, "no", 8, identity="p")
    learn(wheel, "no", 8, identity="q")
    assert values(wheel, resolve(wheel, 3)) == {"p": "no"}
    assert values(wheel, resolve(wheel, 2)) == {}
    assert load_labelled(wheel, resolve(wheel, 1)).rows["id"].to_list() == [1]
    for position in (0, 5):
        with pytest.raises(UsageError, match="as-of"):
            resolve(wheel, position)


def test_a_moment_in_the_future_is_refused(wheel: Wheel) -> None:
    with pytest.raises(UsageError, match="lies in the future"):
        resolve(wheel, clock.now() + timedelta(days=1))


def test_an_empty_record_has_no_answers_and_no_rows(wheel: Wheel) -> None:
    assert load_answers(wheel, NOW).height == 0
    known = load_labelled(wheel, NOW)
    assert (known.rows.height, known.snapshot.rows) == (0, 0)
