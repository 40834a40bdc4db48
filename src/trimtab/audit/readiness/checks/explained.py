"""infra.5: the newest logged answers can be explained: row, features, parts, Version; and made again, bit for bit."""

from functools import partial

import polars as pl

from trimtab.audit.readiness.check import Check
from trimtab.audit.readiness.found import Found
from trimtab.audit.readiness.ground import Ground
from trimtab.nouns import State
from trimtab.serve.explain import explain_record
from trimtab.serve.live import Shelf

ANSWERS = 20


def check_explained(ground: Ground) -> Found:
    """Explain the newest answers in the lake."""
    wheel = ground.wheel
    logged = wheel.lake.read("predictions")
    newest = logged.select("id", "_arrived_at").sort("_arrived_at").tail(ANSWERS).collect()["id"]
    if not len(newest):
        return Found(State.CANNOT_TELL, "no answer is in the lake", "serve, and let `trimtab tick` forward the log")
    shelf = Shelf(wheel.catalog, wheel.blobs, lambda _: "")
    records = logged.filter(pl.col("id").is_in(newest.implode())).collect().iter_rows(named=True)
    told = [(one["id"], explain_record(partial(shelf.open_past, one), one)) for one in records]
    again = sum(made["same"] for _, made in told)
    parts = sum(made["explanation"] is not None or "members" in made for _, made in told)
    numbers = {"answers": len(told), "same": again, "with_parts": parts}
    said = f"{len(told)} newest answers: {again} made again bit for bit, {parts} with the part of each column"
    evidence = (f"trimtab explain {told[-1][0]}",)
    if again < len(told):
        return Found(State.FAIL, said, "an answer that cannot be made again cannot be debugged", evidence, numbers)
    missing = "" if parts == len(told) else "a family without exact parts answers; `trimtab card` has its importances"
    return Found(State.PASS, said, missing, evidence, numbers)


CHECK = Check("infra.5", "the newest answers, explained and made again", check_explained)
