"""monitor.3: the features that were logged are those that come out of the same rows again, and those of the table."""

import json
from collections import Counter
from collections.abc import Mapping
from typing import Any

import polars as pl

from trimtab.audit.readiness.check import Check
from trimtab.audit.readiness.found import Found
from trimtab.audit.readiness.ground import Ground
from trimtab.contract.row import compile_row
from trimtab.loop.withdraw import standing
from trimtab.nouns import Contract, State
from trimtab.store.record import features_text

MOST = 5000
"""Newest answers that are looked at."""


def check_skew(ground: Ground) -> Found:
    """Recompute the features of logged answers from their raw rows, and look the same keys up in the table."""
    wheel, trim = ground.wheel, ground.champion[0]
    logged = wheel.lake.read("predictions").sort("_arrived_at").tail(MOST).collect()
    contracts = {id_: wheel.package(id_).contract for id_ in logged["version"].unique() if id_ != "base_rate"}
    logged = logged.filter(pl.col("version").is_in(list(contracts)))
    if not logged.height:
        return Found(State.CANNOT_TELL, "no answer is in the lake", "serve, and let `trimtab tick` forward the log")
    judges = {id_: Reader(contract) for id_, contract in contracts.items()}
    recomputed = sum(judges[row["version"]].differs(row) for row in logged.iter_rows(named=True))
    looked_up, columns = compare_table(ground, logged)
    apart = sum(columns.values())
    numbers = {"answers": logged.height, "recomputed_apart": recomputed, "keys": looked_up, "table_apart": apart}
    said = (
        f"{logged.height:,} logged answers: {recomputed} with other features when computed again from their raw row; "
        f"{looked_up:,} found by key in the table that is learnt from, {apart} values differ there"
    )
    evidence = (f"lake predictions, version {wheel.lake.version('predictions')}", f"epoch {trim.epoch}")
    if recomputed or apart:
        worst = ", ".join(f"'{name}' in {rows}" for name, rows in columns.most_common(3)) or "the same rows"
        return Found(State.FAIL, said, f"served and learnt values differ: {worst}", evidence, numbers)
    return Found(State.PASS, said, "", evidence, numbers)


class Reader:
    """Cleans raw rows by one Contract, as JSON or, as in a CSV file, as text: only one of the two takes a row."""

    def __init__(self, contract: Contract) -> None:
        self._names = [column.name for column in contract.columns]
        self._readings = [compile_row(contract, text=text) for text in (False, True)]

    def differs(self, row: Mapping[str, Any]) -> bool:
        """Return whether a logged row has other features now."""
        raw = json.loads(row["raw"])
        made = (clean(raw) for clean in self._readings)
        return not any(not one.reasons and features_text(self._names, one.values) == row["features"] for one in made)


def compare_table(ground: Ground, logged: pl.DataFrame) -> tuple[int, Counter[str]]:
    """Return how many logged keys stand in the table that is learnt from, and in how many rows each feature differs."""
    contract, counts = ground.wheel.contract, Counter[str]()
    table = standing(ground.wheel.lake.read(ground.wheel.clean))
    if not contract.row.key or "_key" not in table.collect_schema().names():
        return 0, counts
    own = logged.filter((pl.col("contract") == contract.id) & pl.col("key").is_not_null()).unique("key", keep="last")
    wanted = own["key"].implode()
    rows = table.filter(pl.col("_key").is_in(wanted)).sort("_row").collect().unique("_key", keep="last")
    names = [column.name for column in contract.features]
    told = {key: json.loads(text) for key, text in zip(own["key"], own["features"], strict=True)}
    for row in rows.select("_key", *names).iter_rows():
        learnt = json.loads(features_text(names, row[1:]))
        counts.update(name for name in names if learnt[name] != told[row[0]].get(name))
    return rows.height, counts


CHECK = Check("monitor.3", "logged features against recomputed ones", check_skew)
