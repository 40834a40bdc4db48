"""The page docs/benchmarks/data.md, made of the figures that benchmarks/data.py measured."""

from collections.abc import Mapping, Sequence
from typing import Any

Figures = Mapping[str, Any]

HEAD = """# What it costs to bring data in

    make bench-data              # everything; make bench-data MB=100 for a tenth of it

Made by `benchmarks/data.py` from [data.json](data.json): nothing here is written by hand. trimtab {trimtab}; {machine}.
The machine was shared: the load stands beside each part, and the ratios are what to look at.
"""

CSV = """
## A CSV file of {mb:.0f} MB into the lake, beside DuckDB

{table}

Medians of 3 turns (one, where DuckDB writes text), all on the same file in the page cache, with {cores} threads.
{ratios}

What each does: DuckDB finds types in a sample and writes one Snappy file of numbers, unsynced; a line that does not fit
ends its work. trimtab hashes the content before and while it is read, accounts for each line, keeps the text as it is
(types are the contract's business), numbers each row (`_row`), says where it is from (`_offset`), and commits rows and
position together, synced, at most 200,000 rows at a time. So its table is text, and has three columns more; DuckDB
writing text is the middle row. `trimtab ingest` then cleans and checks the rows, which is the last row: another table,
for which DuckDB has no counterpart.
"""

SOURCES = """
## Memory and speed of each format

{table}

Reading alone, {mb} MB of text or as many rows of Parquet, nothing kept; `MB` is the size of the file. Memory is that of
the whole process, as in all tables here; with the libraries of all parts, and nothing read, it is {nothing:.0f} MB.
"""

PEERS = """
## The same check by others

{table}

Seconds for {rows} rows in memory. Each library in an environment of its own (`.bench/`), the same limits on the same
columns: types, hard ranges, required, categories.

| | trimtab | Pandera on Polars | Great Expectations on pandas |
|---|---|---|---|
| types, ranges, required, categories | yes | yes | yes, types by the frame |
| cleans: blanks, spellings of null, units, times | yes | no (it can coerce types) | no |
| soft ranges, as warnings of the row | yes | not asked | not asked |
| good and bad rows apart | yes | no | no |
| all reasons of every bad row | yes | failing cells, by check | failing values, by check |
| the same answer for one row at a time | yes, tested | no | no |

Pandera is far quicker: it does the cheap part of this step, and makes nothing of the rows. Comparing with limits is not
what trimtab spends its time on.
"""

ACCOUNT = """
## Every line of a nasty corpus

{table}

The files, and their counts by hand, stand in `tests/ingest/corpus.py`. Each goes through `ingest` in its own project. A
mismatch is a file where what the verb says, what the lake holds and what was counted by hand are not the same. A file
that cannot be read at all is one rejection. A last line that is only begun waits for the next read: it is not yet in.
"""

READERS = """
## Broken lines, ours beside DuckDB's reader

{table}

DuckDB with everything told to it: names, types, delimiter, quotes, `store_rejects`.
"""


def write_page(found: Figures) -> str:
    """Return the page; a part that was not measured is left out."""
    parts = {name: part["figures"] for name, part in found["parts"].items()}
    sections = {"csv": _csv, "sources": _sources, "peers": _peers, "accounting": _accounting, "readers": _readers}
    pages = [write(parts[name], found) for name, write in sections.items() if name in parts]
    moments = [(name, part["at"], part["load"]) for name, part in found["parts"].items()]
    when = "\n## When\n\n" + _table(("part", "measured (UTC)", "load average"), moments) + "\n"
    return HEAD.format(**found) + "\n" + _summary(parts) + "\n" + "".join(pages) + when


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    above, *below = [f"| {' | '.join(line)} |" for line in (head, *rows)]
    return "\n".join([above, "|" + "---|" * len(head), *below])


def _summary(parts: Figures) -> str:
    wanted = [line for name, tell in _SUMMARY.items() if name in parts for line in tell(parts[name])]
    return _table(("what", "measured", "wanted"), wanted)


def _tell_row(found: Figures) -> list[tuple[str, str, str]]:
    return [
        ("one row of 20 columns, typed as from JSON, median", f"{found['typed']:.1f} us", "<= 15 us"),
        ("the same as text", f"{found['text']:.1f} us", "<= 15 us"),
        ("the same typed, with two rules", f"{found['two_rules']:.1f} us", ""),
    ]


def _tell_clean(found: Figures) -> list[tuple[str, str, str]]:
    what = f"clean + check of {found['rows']:,} rows x 20, against Polars reading and writing the same Parquet"
    return [(what, f"{found['ratio']:.2f} x", "<= 3 x")]


def _tell_stream(found: Figures) -> list[tuple[str, str, str]]:
    what = f"peak memory of clean + check, {found['rows']:,} rows streamed from one Parquet file"
    return [(what, f"{found['rss_mb']:.0f} MB", "<= 1 GB")]


def _tell_csv(found: Figures) -> list[tuple[str, str, str]]:
    what, ratios = f"CSV of {found['mb']:.0f} MB into the lake, against DuckDB's CSV-to-Parquet", found["ratios"]
    return [
        (f"{what}: time", f"{ratios['seconds']:.2f} x", "<= 2 x"),
        (f"{what}: CPU time", f"{ratios['cpu']:.2f} x", "<= 2 x"),
        ("its peak memory; cleaning and checking afterwards", _memories(found), "bounded"),
    ]


def _memories(found: Figures) -> str:
    return f"{found['ours']['rss_mb']:.0f} MB; {found['clean']['rss_mb']:.0f} MB"


def _tell_accounting(found: Figures) -> list[tuple[str, str, str]]:
    what = f"rows in = accepted + quarantined + rejected, for {found['files']} nasty files: mismatches"
    return [(what, str(len(found["mismatches"])), "0")]


_SUMMARY = {
    "clean": _tell_clean,
    "stream": _tell_stream,
    "row": _tell_row,
    "csv": _tell_csv,
    "accounting": _tell_accounting,
}


def _csv(found: Figures, page: Figures) -> str:
    names = {
        "duckdb": "DuckDB to Parquet, its own types",
        "duckdb_text": "DuckDB to Parquet, all text",
        "ours": "trimtab, into raw/",
    }
    rows = [
        (what, f"{one['seconds']:.1f}", f"{one['cpu']:.1f}", f"{one['rss_mb']:.0f}", f"{one['mb_written']:.0f}")
        for name, what in names.items()
        for one in (found[name],)
    ]
    clean = found["clean"]
    rows.append(
        ("trimtab, from raw/ to clean", f"{clean['seconds']:.1f}", f"{clean['cpu']:.1f}", f"{clean['rss_mb']:.0f}", "")
    )
    table = _table(("", "seconds", "CPU seconds", "peak memory, MB", "MB written"), rows)
    ratios = found["ratios"]
    times = f"{ratios['seconds']:.2f} times the time and {ratios['cpu']:.2f} times the CPU time"
    said = f"trimtab takes {times} of DuckDB's own copy (medians of the turns' ratios)."
    cores = page["machine"].split(", ")[1].split()[0]
    return CSV.format(mb=found["mb"], table=table, cores=cores, ratios=said)


def _sources(found: Figures, page: Figures) -> str:  # noqa: ARG001
    rows = [
        (
            name,
            f"{one['mb']:.0f}",
            f"{one['rows']:,}",
            f"{one['cpu']:.1f}",
            f"{one['mb'] / one['cpu']:.0f}",
            f"{one['rss_mb']:.0f}",
        )
        for name, one in found["files"].items()
    ]
    head = ("file", "MB", "rows", "CPU s", "MB per CPU s", "peak memory, MB")
    return SOURCES.format(table=_table(head, rows), mb=found["mb"], nothing=found["nothing"]["rss_mb"])


def _peers(found: Figures, page: Figures) -> str:  # noqa: ARG001
    names = {"pandera": "Pandera", "great_expectations": "Great Expectations"}
    rows = [
        (
            f"{what} {one['version']}",
            f"{one['seconds']:.2f}",
            f"{one['ours']:.2f}",
            f"{one['ratio']:.2f} x",
        )
        for name, what in names.items()
        for one in (found[name],)
    ]
    head = ("", "seconds", "trimtab's clean + check beside it", "ratio to trimtab")
    return PEERS.format(table=_table(head, rows), rows=f"{found['pandera']['rows']:,}")


def _accounting(found: Figures, page: Figures) -> str:  # noqa: ARG001
    names = ("files", "rows_in", "accepted", "quarantined", "rejected", "waiting")
    row = [f"{found[name]:,}" for name in names]
    head = ("files", "rows in", "accepted", "quarantined", "rejected", "lines that wait", "mismatches")
    return ACCOUNT.format(table=_table(head, [[*row, ", ".join(found["mismatches"]) or "none"]]))


def _readers(found: Figures, page: Figures) -> str:  # noqa: ARG001
    rows = [(name, one["trimtab"], one["duckdb"]) for name, one in found.items()]
    return READERS.format(table=_table(("file", "trimtab", "DuckDB"), rows))
