"""data.1: the Contract takes the rows that are kept, and refuses each of its rules' breaches."""

from trimtab.audit.readiness.check import Check
from trimtab.audit.readiness.found import Found
from trimtab.audit.readiness.ground import Ground, newest_rows
from trimtab.audit.readiness.spoil import spoil_row
from trimtab.contract.row import compile_row
from trimtab.metrics.figures import count
from trimtab.nouns import State


def check_schema(ground: Ground) -> Found:
    """Judge the newest clean rows, and one of them spoiled in every way."""
    contract = ground.wheel.contract
    judge = compile_row(contract)
    rows = newest_rows(ground.wheel)
    refused = sum(bool(judge(row).reasons) for row in rows)
    spoiled = spoil_row(contract, ground.rows[0])
    missed = [one for one in spoiled if one.field not in {name for name, _ in judge(one.row).reasons}]
    numbers = {"rows": len(rows), "refused": refused, "spoiled": len(spoiled), "missed": len(missed)}
    evidence = (f"contract.toml {contract.id}",)
    said = (
        f"{count(len(rows), 'clean row')}, {refused} of them refused; a row spoiled in {len(spoiled)} ways, "
        f"{len(missed)} of them not refused"
    )
    if not refused and not missed:
        return Found(State.PASS, said, "", evidence, numbers)
    told = ", ".join(f"'{one.field}' {one.wrong}" for one in missed[:3]) or "rows that were taken before"
    return Found(State.FAIL, said, f"see to these in contract.toml: {told}", evidence, numbers)


CHECK = Check("data.1", "rows against the contract, whole and spoiled", check_schema)
