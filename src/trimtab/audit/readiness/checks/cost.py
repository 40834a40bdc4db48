"""data.3, the part that a check sees: no column is empty, or always the same, and so paid for in vain."""

from trimtab.audit.readiness.check import Check
from trimtab.audit.readiness.found import Found
from trimtab.audit.readiness.ground import Ground
from trimtab.nouns import State


def check_cost(ground: Ground) -> Found:
    """Look at the share of nulls and the number of values of each feature."""
    rows, features = ground.newest.rows, ground.wheel.contract.features
    shares = {one.name: rows[one.name].null_count() / max(1, rows.height) for one in features}
    idle = [one.name for one in features if rows[one.name].drop_nulls().n_unique() < 2]
    emptiest = max(shares, key=lambda name: shares[name])
    said = (
        f"{len(features)} features in {rows.height:,} rows: {len(idle)} of them tell nothing; the emptiest is "
        f"'{emptiest}' with {shares[emptiest]:.0%} null"
    )
    numbers = {"features": len(features), "idle": len(idle), "most_null": round(shares[emptiest], 4)}
    missing = f"leave out what tells nothing: {', '.join(idle)}" if idle else ""
    return Found(State.FAIL if idle else State.PASS, said, missing, (), numbers)


CHECK = Check("data.3", "what each column holds", check_cost)
