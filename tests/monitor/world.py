"""A small world that stands still: rows, the probability that they say yes, and labels that come half a window late."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from trimtab.metrics.profile import Profile
from trimtab.monitor.diagnose import diagnose
from trimtab.monitor.seen import Given, Known, Seen, see
from trimtab.nouns import Hypothesis

SIZE, WINDOWS = 400, 14
ROWS = SIZE * WINDOWS
FEATURES = ["warmth", "price", "kind"]
Numbers = np.ndarray


def make_rows(rows: int = ROWS, seed: int = 0) -> pl.DataFrame:
    """Rows whose label follows from warmth, price and kind; `said` is the very probability."""
    chance = np.random.default_rng(seed)
    warmth, price = chance.normal(20.0, 5.0, rows), chance.lognormal(3.0, 0.5, rows)
    kind = chance.choice(list("ABCD"), rows, p=[0.5, 0.3, 0.15, 0.05])
    odds = 0.25 * (warmth - 20.0) - np.log(price / 20.0) + 0.8 * (kind == "B") - 0.6
    said = 1.0 / (1.0 + np.exp(-odds))
    label = np.where(chance.random(rows) < said, "yes", "no")
    seconds = np.cumsum(chance.exponential(60.0, rows))
    return pl.DataFrame(
        {"warmth": warmth, "price": price, "kind": kind, "said": said, "label": label, "seconds": seconds}
    )


def know(rows: pl.DataFrame) -> Known:
    """The reference of some rows."""
    promised = pl.DataFrame({"answer": rows["said"], "label": rows["label"]})
    return Known("binary", ("no", "yes"), Profile.fit(rows, FEATURES), Profile.fit(promised, promised.columns))


@dataclass
class Watching:
    """The windows of some rows as they are seen at the end of the last one."""

    rows: pl.DataFrame
    late: Numbers
    size: int = SIZE

    def look(self, min_labels: int = 50) -> tuple[Known, list[Seen], float]:
        known, rows = know(make_rows(4000, seed=9)), self.rows
        last = (rows.height // self.size) * self.size
        seconds = rows["seconds"].to_numpy()
        known_at, now = seconds + self.late[: rows.height], float(seconds[last - 1]) if last else 0.0
        seen = []
        for low in range(0, last, self.size):
            part, came = rows[low : low + self.size], known_at[low : low + self.size]
            told, end = came <= now, float(part["seconds"][-1])
            given = Given(
                frame=part.select(one for one in FEATURES if one in part.columns),
                answers=part["said"].to_numpy(),
                labels=(part["label"] == "yes").cast(pl.Float64).fill_null(float("nan")).to_numpy(),
                told=pl.select(pl.when(pl.Series(told)).then(part["label"]).otherwise(None).alias("label")).to_series(),
                known=told,
                arrivals=part["seconds"].to_numpy(),
                waits=np.where(told, came - end, np.nan),
                end=end,
            )
            seen.append(see(known, given, float(seconds[low - 1]) if low else None, min_labels=min_labels))
        return known, seen, now

    def diagnose(self, **more: float) -> tuple[Hypothesis, ...]:
        known, seen, now = self.look()
        return diagnose(known, seen, now=now, quiet=more.get("quiet", 0.0))


def watch(rows: pl.DataFrame, late: Numbers | None = None, size: int = SIZE) -> Watching:
    """Labels come about half a window late."""
    usual = np.random.default_rng(4).exponential(60.0 * SIZE / 2, 4 * ROWS) if late is None else late
    return Watching(rows, usual, size)
