"""A world in which several sources tell what really happened, and one of them lies: what it does to what answers."""

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from tests.loop.conftest import write_rows
from tests.loop.test_loop_trimming import SETTINGS as BLEND

from trimtab import clock
from trimtab.loop.begin import begin
from trimtab.loop.crosscheck import crosscheck
from trimtab.loop.cycle import ingest, train
from trimtab.loop.forward import OUTCOMES, PREDICTIONS, frame_of
from trimtab.loop.known import resolve
from trimtab.loop.state import Wheel, open_wheel
from trimtab.loop.tick import retrain_now, tick
from trimtab.nouns import Decision

Numbers = NDArray[np.float64]
Words = list[tuple[int, str, float]]
"""What was told: the place of the row, who told, and what."""
LIAR, HONEST, OTHER = "http:liar", "http:honest", "http:other"
ROWS, BATCHES = 400, 8
SETTINGS = BLEND.replace('"5 windows"', '"50 windows"').replace("window = 150", f"window = {ROWS}")


@dataclass(frozen=True)
class Batch:
    """Rows with what is true of them; `number` counts from 0."""

    number: int
    features: pl.DataFrame
    labels: Numbers
    chance: np.random.Generator


Attack = Callable[[Batch], Words]


@dataclass(frozen=True)
class Course:
    """What the Trim loses on average on true labels after each batch, and what was decided."""

    losses: tuple[float, ...]
    decisions: tuple[Decision, ...]

    @property
    def doubted(self) -> list[object]:
        """The sources that were doubted, in order."""
        found = [one.finding for one in self.decisions if one.action == "doubt"]
        return [one.judgement.evidence["source"] for one in found if one]

    @property
    def passed(self) -> bool:
        """Whether the gates let the challenger in."""
        return any(one.action == "promote" and one.by == "blend" for one in self.decisions)

    def rise_over(self, other: "Course") -> float:
        """By how much more it lost than the other, at most, over five batches on end (over all of fewer)."""
        own, least = np.array(self.losses), np.array(other.losses)
        spans = [slice(max(end - 5, 0), end) for end in range(min(5, len(own)), len(own) + 1)]
        return max(float(own[span].sum() / least[span].sum()) - 1.0 for span in spans)


def share_out(batch: Batch, share: float, lie: Callable[[Numbers], Numbers]) -> Words:
    """The liar tells a share of the rows as `lie` turns them, two honest sources the others."""
    drawn = batch.chance.random(len(batch.labels))
    told = np.where(drawn < share, lie(batch.labels), batch.labels)
    who = np.where(drawn < share, LIAR, np.where(drawn < (1.0 + 2.0 * share) / 3.0, OTHER, HONEST))
    return [(place, str(one), float(label)) for place, (one, label) in enumerate(zip(who, told, strict=True))]


def flip(share: float) -> Attack:
    """All that the liar tells is wrong."""
    return lambda batch: share_out(batch, share, lambda labels: 1.0 - labels)


def flip_some(share: float, part: float) -> Attack:
    """So much of what the liar tells is wrong."""
    return lambda batch: share_out(
        batch, share, lambda labels: np.where(batch.chance.random(len(labels)) < part, 1.0 - labels, labels)
    )


def deny(share: float) -> Attack:
    """The liar tells of every row that nothing happened."""
    return lambda batch: share_out(batch, share, np.zeros_like)


def drip(share: float) -> Attack:
    """The liar begins honestly and lies a little more with every batch."""
    return lambda batch: flip_some(share, batch.number / (BATCHES - 1))(batch)


def flood(batch: Batch) -> Words:
    """The liar also speaks of every row, last, and always wrongly, from the third batch on."""
    honest = share_out(batch, 0.05, lambda labels: labels)
    if batch.number < 2:
        return honest
    return honest + [(place, LIAR, 1.0 - label) for place, label in enumerate(batch.labels)]


def tell_truth(share: float) -> Attack:
    """Nobody lies."""
    return lambda batch: share_out(batch, share, lambda labels: labels)


def join_late(batch: Batch) -> Words:
    """Nobody lies; one source begins with the second batch."""
    return share_out(batch, 0.2 if batch.number else 0.0, lambda labels: labels)


def tell_of_hard_rows(batch: Batch) -> Words:
    """Nobody lies, but one source tells of the rows that nobody knows much of."""
    hard = (2 * batch.features["a"] + batch.features["b"]).abs().to_numpy() < 1.0
    return [(n, LIAR if hard[n] else (HONEST, OTHER)[n % 2], float(one)) for n, one in enumerate(batch.labels)]


def chance_of(features: pl.DataFrame) -> Numbers:
    """The true chance of a label."""
    return np.asarray(1.0 / (1.0 + np.exp(-(2 * features["a"] + features["b"]).to_numpy())))


def draw(chance: np.random.Generator, rows: int) -> pl.DataFrame:
    return pl.DataFrame({"a": chance.normal(size=rows), "b": chance.normal(size=rows)})


def make_project(root: Path, seed: int) -> Path:
    """Return the folder of a project with its first Version, trained on rows that nobody lied about."""
    write_rows(root / "rows.csv", 1500, 1500, seed)
    folder = root / "project"
    begin(folder, root / "rows.csv", target="y", order="file", tell=_say_nothing)
    file = folder / "trimtab.toml"
    file.write_text(file.read_text(encoding="utf-8").split("[monitor]")[0] + SETTINGS, encoding="utf-8")
    wheel = open_wheel(folder)
    ingest(wheel, tell=_say_nothing)
    train(wheel, tell=_say_nothing)
    _close(wheel)
    return folder


def lead(folder: Path, seed: int, attack: Attack, batches: int = BATCHES, *, crashes: bool = False) -> Course:
    """Lead a copy of a project through the batches: a turn after each, a retrain after the last but one.

    With `crashes`, before each turn there was one that ended when sources had been held against each other.

    The copy stands where the project stood, because the catalog knows its place, and is gone afterwards.
    """
    kept = folder.with_name("kept")
    folder.rename(kept)
    shutil.copytree(kept, folder)
    wheel = open_wheel(folder)
    try:
        return _follow(wheel, seed, attack, batches, crashes=crashes)
    finally:
        _close(wheel)
        shutil.rmtree(folder)
        kept.rename(folder)


def _close(wheel: Wheel) -> None:
    wheel.catalog.close()
    wheel.index.close()


def _say_nothing(_: str) -> None:
    pass


def _follow(wheel: Wheel, seed: int, attack: Attack, batches: int, *, crashes: bool) -> Course:
    chance = np.random.default_rng(seed)
    probe = draw(np.random.default_rng(1000 + seed), 4000)
    losses = []
    for number in range(batches):
        features = draw(chance, ROWS)
        labels = (chance.random(ROWS) < chance_of(features)).astype(float)
        _log(wheel, number, features, attack(Batch(number, features, labels, np.random.default_rng((seed, number)))))
        if crashes:
            crosscheck(wheel, resolve(wheel, None))
        tick(wheel, tell=_say_nothing)
        if number == batches - 2:
            retrain_now(wheel, by="test", tell=_say_nothing)
        losses.append(_lose(wheel, probe))
    return Course(tuple(losses), wheel.catalog.journal())


def _lose(wheel: Wheel, probe: pl.DataFrame) -> float:
    trim = wheel.catalog.trim()
    assert trim is not None
    answers, true = wheel.answer(trim, probe), chance_of(probe)
    return float(-(true * np.log(answers) + (1.0 - true) * np.log(1.0 - answers)).mean())


def _log(wheel: Wheel, number: int, features: pl.DataFrame, words: Words) -> None:
    """Log answers and what was told of them, as workers do; later words of a row come later."""
    standing = wheel.champion()
    assert standing is not None
    trim, version = standing
    moment = clock.now() - timedelta(microseconds=len(words))
    answers = wheel.answer(trim, features).tolist()
    shared: Mapping[str, Any] = {"prediction": "yes", "output": {"prediction": "yes"}, "version": version.id,
              "epoch": trim.epoch, "contract": version.contract, "fallback": "", "_event_at": moment,
              "_arrived_at": moment, "raw": {}}  # fmt: skip
    records = [
        {**shared, "id": f"{number}-{place:05d}", "probability": answer, "features": dict(zip("ab", row, strict=True))}
        for place, (answer, row) in enumerate(zip(answers, features.rows(), strict=True))
    ]
    outcomes = [
        {"id": f"o{number}-{order:05d}", "prediction_id": f"{number}-{place:05d}", "value": "yes" if label else "no",
         "known_at": moment + timedelta(microseconds=order), "_arrived_at": moment + timedelta(microseconds=order),
         "source": source}
        for order, (place, source, label) in enumerate(words)
    ]  # fmt: skip
    wheel.lake.append("predictions", frame_of(records, PREDICTIONS))
    wheel.lake.append("outcomes", frame_of(outcomes, OUTCOMES))
