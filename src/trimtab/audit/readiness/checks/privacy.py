"""data.5, the part that a check sees: nothing personal lies in clear, rows expire, and a person can be erased."""

import re
from collections.abc import Iterator

import polars as pl

from trimtab.audit.readiness.check import Check
from trimtab.audit.readiness.found import Found
from trimtab.audit.readiness.ground import Ground
from trimtab.loop.erase import erase, look
from trimtab.loop.withdraw import standing
from trimtab.nouns import State, canonical

LOOKED = 5000
PATTERNS = {
    "an e-mail address": re.compile(r"[\w.+-]+@[\w-]+\.[a-z]{2,}", re.IGNORECASE),
    "a telephone number": re.compile(r"\+\d{2,3}[ -]?\d{2,4}[ -]\d{3,}[ -]?\d{2,}"),
    "an account number": re.compile(r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){3,7}\b"),
}


def check_privacy(ground: Ground) -> Found:
    """Scan the newest rows and logs for what looks personal, and erase somebody from a copy."""
    seen = sorted(set(find_personal(ground)))
    keep = ground.project.keep
    left = erase_newest(ground)
    told = {None: "there is no key to erase by", 0: "a key was erased from a copy, nothing is left"}
    said = (
        f"{len(seen)} columns look personal in clear; rows are kept {f'{keep.days} days' if keep else 'for ever'}; "
        f"{told.get(left, f'after an erasure {left} rows are left')}"
    )
    numbers = {"columns": len(seen), "left": -1 if left is None else left}
    wrong = [*(f"{one} (pii = true)" for one in seen), *([] if keep else ["[store] keep is empty"])]
    wrong += [f"{left} rows survive an erasure"] if left else []
    missing = f"see to these: {'; '.join(wrong)}" if wrong else ""
    return Found(State.FAIL if wrong else State.PASS, said, missing, ("trimtab erase --dry-run",), numbers)


def find_personal(ground: Ground) -> Iterator[str]:
    """Yield the columns that hold what looks personal, in tables and in the log of answers."""
    for table in ground.wheel.lake.tables():
        rows = ground.wheel.lake.read(table).tail(LOOKED).collect()
        for name, kind in rows.schema.items():
            if kind == pl.String and not name.startswith("_"):
                text = "\n".join(rows[name].drop_nulls().unique().head(LOOKED).to_list())
                yield from (f"{table}.{name}: {what}" for what, form in PATTERNS.items() if form.search(text))


def erase_newest(ground: Ground) -> int | None:
    """Return how many rows are left of a key after it was erased from a copy; None where rows have no key."""
    names = ground.wheel.contract.row.key
    if not names:
        return None
    rows = standing(ground.wheel.lake.read(ground.wheel.clean)).select(names).drop_nulls().tail(1).collect().rows()
    if not rows:
        return None
    words = [
        f"{name}={value if isinstance(value, str) else canonical(value)}"
        for name, value in zip(names, rows[0], strict=True)
    ]
    with ground.fresh() as wheel:
        erase(wheel, words, by="drill", tell=ground.tell)
        return look(wheel, words).rows


CHECK = Check("data.5", "personal values, and an erasure on a copy", check_privacy)
