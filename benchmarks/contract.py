"""Speed of the two compilations of one Contract with 20 columns. Run: python benchmarks/contract.py [ROWS].

Prints the median microseconds for one row (typed as from JSON, and text as from CSV) and the seconds for a frame.
"""

import statistics
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import polars as pl

from trimtab import clock
from trimtab.contract.clean import compile_frame
from trimtab.contract.row import compile_row
from trimtab.nouns.contract import Column, Contract, Row, Target

CARRIERS = ("AA", "B6", "DL", "EV", "UA", "US", "WN")
START = datetime(2013, 1, 1, tzinfo=UTC)


def build_contract() -> Contract:
    numbers = [Column(f"number{n}", "number", required=n < 6, hard=(-1e6, 1e6), soft=(0, 900)) for n in range(10)]
    whole = [Column(f"integer{n}", "integer", hard=(0, 10_000)) for n in range(4)]
    words = [Column(f"carrier{n}", "category", values=CARRIERS, clean=("trim",)) for n in range(3)]
    others = [Column("late", "boolean"), Column("asked_at", "time", role="time"), Column("flight", "text", role="key")]
    row = Row(key=("flight",), event_time="asked_at", order="event_time")
    return Contract(row, Target("y", "binary", "1", ("0", "1")), (*numbers, *whole, *words, *others))


def build_row(number: int) -> dict[str, object]:
    row: dict[str, object] = {f"number{n}": (number * 7 + n) % 1000 + 0.25 for n in range(10)}
    row |= {f"integer{n}": (number + n) % 5000 for n in range(4)}
    row |= {f"carrier{n}": CARRIERS[(number + n) % 7] for n in range(3)}
    asked_at = (START + timedelta(seconds=number)).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {**row, "late": number % 2 == 0, "asked_at": asked_at, "flight": f"F{number}", "y": number % 2}


def microseconds(call: Callable[[], object], repeat: int = 2000) -> float:
    def once() -> float:
        start = clock.monotonic_ns()
        call()
        return (clock.monotonic_ns() - start) / 1000

    return statistics.median(once() for _ in range(repeat))


def main() -> None:
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    contract = build_contract()
    typed = build_row(17)
    text = {name: str(value) for name, value in typed.items()}
    row, text_row = compile_row(contract), compile_row(contract, text=True)
    print(f"one row, typed   {microseconds(lambda: row(typed)):8.1f} us")
    print(f"one row, text    {microseconds(lambda: text_row(text)):8.1f} us")
    frame = pl.DataFrame([build_row(number) for number in range(rows)])
    for name, table, is_text in (("typed", frame, False), ("text", frame.cast(pl.String), True)):
        compiled = compile_frame(contract, text=is_text)
        seconds = microseconds(lambda: compiled.apply(table), repeat=1) / 1e6  # noqa: B023 - called at once
        print(f"{rows:,} rows, {name:6}{seconds:8.2f} s")


if __name__ == "__main__":
    main()
