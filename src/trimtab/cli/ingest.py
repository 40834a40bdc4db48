"""`trimtab ingest`."""

from trimtab.cli.options import HERE, AsJson, Folder
from trimtab.cli.output import count_rules, progress, show
from trimtab.loop.cycle import Ingested
from trimtab.loop.cycle import ingest as ingest_sources
from trimtab.loop.state import open_wheel
from trimtab.metrics.figures import count


def ingest(folder: Folder = HERE, /, *, as_json: AsJson = False) -> int:
    """Read what is new in every source; rows become clean or quarantined, and none is lost.

    Exit code 1 where any row or outcome broke the contract: it is kept in quarantine with its reasons, beside the clean
    ones.
    """
    with progress(f"Reading the sources of {folder.resolve().name} ...") as tell:
        done = ingest_sources(open_wheel(folder), tell=tell)
    outcomes = {"in": done.outcomes + done.refused, "accepted": done.outcomes, "rejected": done.refused}
    facts = {"rows": count_rows(done), "outcomes": outcomes, "rules": done.reasons, "sources": done.sources}
    told = (f"{count(done.rows_in, 'row')} in: {describe_rows(done)}.", *count_rules(done.reasons), *done.sentences)
    show(told, {**facts, "notes": done.sentences}, as_json=as_json)
    return int(not done.all_good)


def describe_rows(done: Ingested) -> str:
    """Return what became of the rows, and of Outcomes where there are any, as part of a sentence."""
    lost = "1 line that is no row" if done.rejected == 1 else f"{done.rejected:,} lines that are no row"
    told = f"{done.accepted:,} clean, {done.quarantined:,} in quarantine, {lost}"
    if not done.outcomes + done.refused:
        return told
    return f"{told}; {count(done.outcomes, 'outcome')} kept, {done.refused:,} refused"


def count_rows(done: Ingested) -> dict[str, int]:
    """Return the same as numbers: rows in = accepted + quarantined + rejected."""
    return {
        "in": done.rows_in,
        "accepted": done.accepted,
        "quarantined": done.quarantined,
        "rejected": done.rejected,
    }
