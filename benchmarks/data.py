"""Measure all figures of data coming in, and write docs/benchmarks/data.md and data.json.

    make bench-data              # the whole protocol: 1 GB of CSV, 10 million rows
    make bench-data MB=100       # a tenth of everything; written to .bench/, printed
    .venv/bin/python benchmarks/data.py --part csv --part peers     # some parts anew, the others as they stand

Each part is measured by itself, says when and under which load, and is kept at once.
"""

import argparse
import functools
import json
import os
import platform
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import data_contract
import data_corpus
import data_ingest
from data_page import write_page

ROOT = Path(__file__).parent.parent
FULL = 1000


def measure_stream(megabytes: int) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as place:
        path = Path(place, "rows")
        data_contract.write_large(path, megabytes * 10_000)
        return data_ingest.run_apart(data_contract.stream, path)


def list_parts(megabytes: int) -> dict[str, Callable[[], dict[str, Any]]]:
    """Return what can be measured, by name, in the order of the page."""
    rows = megabytes * 1000
    return {
        "row": data_contract.one_row,
        "clean": functools.partial(data_contract.clean_check_ratio, rows),
        "stream": functools.partial(measure_stream, megabytes),
        "csv": functools.partial(data_ingest.compare_csv, megabytes),
        "sources": functools.partial(data_ingest.measure_sources, max(1, megabytes // 10), data_contract.write_large),
        "peers": functools.partial(data_contract.compare_peers, max(rows, 100_000)),  # so that some are bad
        "accounting": data_corpus.account_for_corpus,
        "readers": data_ingest.compare_readers,
    }


def measure(part: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """Return a part's figures with the moment and the machine's load at both ends."""
    before = os.getloadavg()[0]
    figures = part()
    load = f"{before:.1f} to {os.getloadavg()[0]:.1f}"
    return {"at": f"{datetime.now(UTC):%Y-%m-%d %H:%M}", "load": load, "figures": figures}


def main() -> None:
    ask = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ask.add_argument("--mb", type=int, default=FULL, help="megabytes of each large file; rows follow from it")
    ask.add_argument("--part", action="append", choices=list(list_parts(0)), help="measure this part only")
    asked = ask.parse_args()
    folder = ROOT / "docs" / "benchmarks" if asked.mb == FULL else ROOT / ".bench"
    folder.mkdir(exist_ok=True)
    kept = folder / "data.json"
    before = json.loads(kept.read_text(encoding="utf-8")) if kept.exists() and asked.part else {}
    machine = f"{platform.platform(terse=True)}, {os.cpu_count()} cores, Python {platform.python_version()}"
    found = {"trimtab": version("trimtab"), "machine": machine, "mb": asked.mb, "parts": before.get("parts", {})}
    for name, part in list_parts(asked.mb).items():
        if not asked.part or name in asked.part:
            found["parts"][name] = measure(part)
            kept.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
            print(f"{name}: {json.dumps(found['parts'][name], ensure_ascii=False)}", flush=True)
    page = write_page(found)
    (folder / "data.md").write_text(page, encoding="utf-8")
    print(f"\n{page}")


if __name__ == "__main__":
    main()
