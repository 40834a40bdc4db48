"""data.7: the pipeline gives the rows on record again; and with a fault planted in its text, that is noticed.

Mutation testing (DeMillo, Lipton & Sayward 1978): a comparison that lets wrong code pass proves nothing. Each mutant is
one change of the SQL; it is killed where the result changes or fails.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace

import polars as pl

from trimtab.audit.readiness.check import Check
from trimtab.audit.readiness.found import Found
from trimtab.audit.readiness.ground import Ground
from trimtab.audit.readiness.sample import ROWS
from trimtab.contract.clean import compile_frame
from trimtab.errors import TrimtabError
from trimtab.loop.derive import compare, kept_rows, number_rows, read_tables, run_pipeline
from trimtab.loop.state import Wheel
from trimtab.nouns import State
from trimtab.pipeline.sql import run_sql

MOST_MUTANTS = 40
KILLED = 0.7
CHANGES = (
    (r"<=", "<"), (r">=", ">"), (r"(?<![<>=])>(?!=)", ">="), (r"(?<![<>=])<(?![=>])", "<="), (r"(?<![<>!])=", "<>"),
    (r"\s\+\s", " - "), (r"\s-\s", " + "), (r"\s/\s", " * "), (r"\s\*\s", " + "), (r"\bavg\(", "max("),
    (r"\bsum\(", "avg("), (r"\bcount\(", "max("), (r"\bmax\(", "min("), (r"\bleft join\b", "join"),
    (r"\band\b", "or"), (r"\bis not null\b", "is null"), (r"\bunion all\b", "union"), (r"\bhours?\b", "minute"),
    (r"\b(\d+)\b", "77"),
)  # fmt: skip


def check_features(ground: Ground) -> Found:
    """Run the pipeline again over all raw rows, then mutants of it over the first ones."""
    wheel = replace(ground.wheel, project=ground.project)
    spec = ground.project.pipeline
    if spec.file is None:
        said = "there is no feature code: a source's row is the row, and the contract cleans it (data.1)"
        return Found(State.PASS, said, "", (f"contract.toml {ground.wheel.contract.id}",))
    apart = count_apart(wheel)
    killed, mutants = try_mutants(wheel) if spec.sql else (0, 0)
    share = killed / mutants if mutants else 0.0
    said = f"{apart} rows on record come out otherwise today; {killed} of {mutants} planted faults were noticed"
    numbers = {"apart": apart, "killed": killed, "mutants": mutants}
    evidence = (spec.file.name,)
    if apart:
        return Found(State.FAIL, said, "the pipeline no longer gives the rows that were learnt from", evidence, numbers)
    if not mutants:
        missing = "mutants are made of SQL only; a Python pipeline needs tests and a mutation tool of its own"
        return Found(State.CANNOT_TELL, said, missing, evidence, numbers)
    missing = "" if share >= KILLED else f"{KILLED:.0%} must be: the rows on record do not exercise the code"
    return Found(State.PASS if share >= KILLED else State.FAIL, said, missing, evidence, numbers)


def count_apart(wheel: Wheel) -> int:
    """Return how many rows the pipeline's result and the rows on record do not have in common."""
    rows, _ = number_rows(wheel, run_pipeline(wheel, read_tables(wheel), None))
    clean = compile_frame(wheel.contract, text=False).apply(rows).clean
    changes = compare(wheel, clean, kept_rows(wheel, None))
    return changes.new.height + changes.gone.height


def try_mutants(wheel: Wheel) -> tuple[int, int]:
    """Return how many mutants give another result over the first raw rows than the pipeline, and of how many."""
    file = wheel.project.pipeline.file
    text = file.read_text(encoding="utf-8") if file else ""
    tables = {name: rows.head(ROWS) for name, rows in read_tables(wheel).items()}
    right = _digest(_run(text, tables, str(file)))
    mutants = list(mutate(text))
    step = max(1, -(-len(mutants) // MOST_MUTANTS))
    tried = mutants[::step]
    return sum(_is_killed(one, tables, right, str(file)) for one in tried), len(tried)


def _is_killed(text: str, tables: Mapping[str, pl.DataFrame], right: list[int], where: str) -> bool:
    try:
        return _digest(_run(text, tables, where)) != right
    except TrimtabError:
        return True


def _run(text: str, tables: Mapping[str, pl.DataFrame], where: str) -> pl.DataFrame:
    return run_sql(text, tables, since=None, where=where)


def _digest(rows: pl.DataFrame) -> list[int]:
    return sorted(rows.hash_rows().to_list())


def mutate(text: str) -> Iterator[str]:
    """Yield the text with one thing changed, in every place where it can be; comments are left alone.

    >>> list(mutate("select a + 1 from t -- a + b"))
    ['select a - 1 from t -- a + b', 'select a + 77 from t -- a + b']
    """
    comments = [range(*one.span()) for one in re.finditer(r"--[^\n]*|'[^'\n]*'", text)]
    for pattern, put in CHANGES:
        for found in re.finditer(pattern, text, re.IGNORECASE):
            if not any(found.start() in one for one in comments) and found[0] != put:
                yield text[: found.start()] + put + text[found.end() :]


CHECK = Check("data.7", "the pipeline again, and with faults planted", check_features)
