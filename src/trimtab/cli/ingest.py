"""`trimtab ingest`."""

from trimtab.cli.options import HERE, AsJson, Folder
from trimtab.cli.output import count_rules, progress, show
from trimtab.loop.cycle import Ingested
from trimtab.loop.cycle import ingest as ingest_sources
from trimtab.loop.state import open_wheel
from trimtab.metrics.figures import count


def ingest(folder: Folder = HERE, /, *, as_json: AsJson = False) -> int:
    """Read what is new in every source; rows become clean or quarantined, and none is lost.

    Exit code 1 where any row broke the contract: it is kept in quarantine with its reasons, the clean ones beside it.
    """
    with progress(f"Reading the sources of {folder.resolve().name} ...") as tell:
        done = ingest_sources(open_wheel(folder), tell=tell)
    facts = {"rows": count_rows(done), "rules": done.reasons, "sources": done.sources, "notes": done.sentences}
    told = (f"{count(done.rows_in, 'row')} in: {describe_rows(done)}.", *count_rules(done.reasons), *done.sentences)
    show(told, facts, as_json=as_json)
    return int(bool(done.quarantined or done.rejected))


def describe_rows(done: Ingested) -> str:
    """Return what became of the rows, as part of a sentence."""
    lost = "1 line that is no row" if done.rejected == 1 else f"{done.rejected:,} lines that are no row"
    return f"{done.accepted:,} clean, {done.quarantined:,} in quarantine, {lost}"


def count_rows(done: Ingested) -> dict[str, int]:
    """Return the same as numbers: rows in = accepted + quarantined + rejected."""
    return {
        "in": done.rows_in,
        "accepted": done.accepted,
        "quarantined": done.quarantined,
        "rejected": done.rejected,
    }
