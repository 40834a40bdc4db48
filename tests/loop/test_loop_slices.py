"""Slices through the whole wheel: promised by the fit, followed by the trigger, told by the monitor."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from tests.loop.conftest import SETTINGS, say_nothing

from trimtab import clock
from trimtab.cli import main
from trimtab.loop.begin import begin
from trimtab.loop.cycle import ingest, train
from trimtab.loop.forward import OUTCOMES, PREDICTIONS, frame_of
from trimtab.loop.known import resolve
from trimtab.loop.state import Wheel, open_wheel
from trimtab.loop.tick import measure, tick
from trimtab.nouns import State
from trimtab.nouns.project import SliceSpec

SHOPS = ("north", "south", "east", "west", "hill", "port", "mill", "quay", "moor", "wood")
MakeShops = Callable[..., Wheel]


def draw(rows: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    chance = np.random.default_rng(seed)
    a, shop = chance.normal(size=rows), chance.choice(SHOPS, rows)
    return a, shop, chance.random(rows) < 1 / (1 + np.exp(-3 * a))


@pytest.fixture
def make_shops(tmp_path: Path) -> MakeShops:
    """A function that makes a trained project of ten shops; the label follows `a` in each of them."""

    def make(slices: str = '[slices]\nby = ["shop"]\n', rows: int = 4000) -> Wheel:
        lines = [f"{x:.4f},{shop},{'yes' if y else 'no'}" for x, shop, y in zip(*draw(rows, 1), strict=True)]
        (tmp_path / "rows.csv").write_text("a,shop,y\n" + "\n".join(lines) + "\n", encoding="utf-8")
        folder = tmp_path / "project"
        begin(folder, tmp_path / "rows.csv", target="y", order="file", tell=say_nothing)
        file = folder / "trimtab.toml"
        settings = SETTINGS.replace("150", "500") + slices
        file.write_text(file.read_text(encoding="utf-8").split("[monitor]")[0] + settings, encoding="utf-8")
        wheel = open_wheel(folder)
        ingest(wheel, tell=say_nothing)
        train(wheel, tell=say_nothing)
        return wheel

    return make


def answer(wheel: Wheel, rows: int, *, turned: str = "", without: str = "", seed: int = 2, ago: float = 600) -> None:
    """Log answers and their outcomes; in the shop `turned` they are the opposite, `without` is closed."""
    standing = wheel.champion()
    assert standing is not None
    trim, version = standing
    a, shop, y = draw(rows, seed)
    frame = pl.DataFrame({"a": a, "shop": shop}).with_columns(y=pl.Series(y)).filter(pl.col("shop") != without)
    given, moment = wheel.package(version.id).predict(frame), clock.now() - timedelta(seconds=ago)
    records, outcomes = [], []
    for place, (probability, row) in enumerate(zip(given.tolist(), frame.rows(named=True), strict=True)):
        identity, at = f"{ago}-{place:05d}", moment + timedelta(milliseconds=place)
        asked = {"a": row["a"], "shop": row["shop"]}
        records.append(
            {"id": identity, "_event_at": at, "_arrived_at": at, "features": asked, "raw": asked, "prediction": "yes",
             "probability": probability, "output": {"prediction": "yes"}, "version": version.id, "epoch": trim.epoch,
             "contract": wheel.contract.id, "fallback": ""}
        )  # fmt: skip
        value = "yes" if row["y"] != (row["shop"] == turned) else "no"
        outcomes.append(
            {"id": f"o{identity}", "prediction_id": identity, "value": value, "known_at": at, "_arrived_at": at}
        )
    wheel.lake.append("predictions", frame_of(records, PREDICTIONS))
    wheel.lake.append("outcomes", frame_of(outcomes, OUTCOMES))


def undeclared(wheel: Wheel) -> Wheel:
    return replace(wheel, project=replace(wheel.project, slices=SliceSpec()))


def test_one_shop_of_ten_that_turns_fires_the_trigger_by_its_name(make_shops: MakeShops) -> None:
    """The journal says which; without declared slices the same stream fires nothing, and the slices cost nothing."""
    wheel = make_shops()
    answer(wheel, 2000, turned="port")
    plain = measure(undeclared(wheel), resolve(wheel, None)).findings[0]
    assert plain.judgement.state is State.PASS
    assert "slices" not in plain.judgement.evidence
    turned = tick(wheel, tell=say_nothing)
    assert turned.findings[0].judgement.evidence["slice"] == "shop port"
    retrain = next(one for one in turned.decisions if one.action == "retrain")
    assert any(reason.startswith("shop port carries the alarm") for reason in retrain.reasons)


def test_monitor_tells_every_slice_and_fails_for_the_worse_one(
    make_shops: MakeShops, capsys: pytest.CaptureFixture[str]
) -> None:
    wheel = make_shops()
    folder = str(wheel.project.folder)
    answer(wheel, 1000, turned="port", without="mill")
    assert main(["monitor", folder, "--json"]) == 1
    told = json.loads(capsys.readouterr().out)
    states = {one["name"]: one["judgement"]["state"] for one in told["slices"]}
    assert {name for name, state in states.items() if state == "fail"} == {"shop port"}
    assert states["shop mill"] == "cannot_tell"
    assert states["shop quay"] == "pass"
    one = next(one for one in told["slices"] if one["name"] == "shop quay")
    assert one["metrics"]["log_loss"]["low"] < one["baseline"]["metrics"]["log_loss"]["value"]
    main(["monitor", folder])
    text = capsys.readouterr().out
    assert "slices: FAILS. 1 of 9 slices surely worse than promised." in text
    assert "  shop port: mean loss" in text
    assert "  no answers any more: shop mill." in text
    assert "  shop quay: mean loss" in text


def test_a_calm_world_passes_by_slice_too(make_shops: MakeShops) -> None:
    wheel = make_shops()
    answer(wheel, 2000)
    measured = measure(wheel, resolve(wheel, None))
    assert measured.findings[0].judgement.state is State.PASS
    assert measured.findings[0].judgement.evidence["slices"] == 10
    (told,) = (one.judgement for one in measured.watched.findings if one.subject == "slices")
    assert told.reasons[0] == "0 of 10 slices surely worse than promised"


def test_slices_declared_after_the_fit_wait_for_the_next_one(make_shops: MakeShops) -> None:
    wheel = make_shops("")
    answer(wheel, 1000)
    assert not [one for one in measure(wheel, resolve(wheel, None)).watched.findings if one.subject == "slices"]
    declared = replace(wheel, project=replace(wheel.project, slices=SliceSpec(("shop",))))
    measured = measure(declared, resolve(wheel, None))
    (told,) = (one.judgement for one in measured.watched.findings if one.subject == "slices")
    assert told.state is State.CANNOT_TELL
    assert "nothing was promised of a slice by shop" in told.reasons[0]
    assert "slices" not in measured.findings[0].judgement.evidence
