"""Print what it costs to start: `--help`, and a serving worker on a small project.

    python benchmarks/start.py

Every number is of a whole process. Set-up time is printed by `make setup` itself, because it needs a fresh clone.
"""

import csv
import json
import os
import platform
import random
import statistics
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from time import perf_counter

from trimtab.serve.child import Server

REPEATS = 7
TRIMTAB = [sys.executable, "-m", "trimtab.cli"]
HEAVY = ["sklearn", "lightgbm", "scipy", "pandas", "polars", "pyarrow", "deltalake", "duckdb", "altair", "alembic"]


def time_process(command: list[str]) -> float:
    """Return the seconds that a process takes from start to end."""
    started = perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    return perf_counter() - started


def make_project(folder: Path) -> None:
    """Make and train a small project: 600 rows, three columns."""
    source = random.Random(7)  # noqa: S311 - numbers for a table, not for a secret
    with (folder / "rows.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["size", "weight", "colour", "good"])
        for _ in range(600):
            size, colour = source.random(), source.choice(["red", "green", "blue"])
            good = size + (colour == "red") * 0.4 + source.gauss(0, 0.2) > 0.7
            writer.writerow([f"{size:.4f}", f"{source.random():.4f}", colour, "yes" if good else "no"])
    init = ["init", str(folder / "p"), "--data", str(folder / "rows.csv"), "--target", "good", "--order", "file"]
    for words in (init, ["train", str(folder / "p")]):
        subprocess.run([*TRIMTAB, *words], check=True, capture_output=True)


def measure_worker(project: Path, log: Path) -> tuple[float, float]:
    """Return the seconds until a worker is ready, and its resident megabytes after 200 answers."""
    started = perf_counter()
    with Server(project, log) as server:
        ready = perf_counter() - started
        for _ in range(200):
            server.predict([{"size": 0.5, "weight": 0.1, "colour": "red"}])
        return ready, resident_megabytes(server.process.pid if server.process else 0)


def resident_megabytes(pid: int) -> float:
    """Return a process's resident memory, from /proc where there is one, else from ps."""
    status = Path(f"/proc/{pid}/status")
    if status.exists():
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmRSS"))
        return int(line.split()[1]) / 1024
    told = subprocess.run(["ps", "-o", "rss=", "-p", str(pid)], check=True, capture_output=True, text=True)
    return int(told.stdout) / 1024


def list_heavy() -> list[str]:
    """Return which heavy libraries come with what a worker imports; it should be none."""
    parts = "trimtab.cli.serve, trimtab.serve.app, trimtab.serve.live, trimtab.serve.server"
    code = f"import sys, json, {parts}; print(json.dumps(sorted(set({HEAVY}) & set(sys.modules))))"
    told = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    return list(json.loads(told.stdout))


def main() -> None:
    """Print the table."""
    help_seconds = statistics.median(time_process([*TRIMTAB, "--help"]) for _ in range(REPEATS))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make_project(folder)
        workers = [measure_worker(folder / "p", folder / "server.log") for _ in range(3)]
    ready, memory = (statistics.median(values) for values in zip(*workers, strict=True))
    rows = [
        ("`trimtab --help`, whole process, median of 7", f"{help_seconds:.2f} s", "<= 0.3 s"),
        ("worker ready after start, median of 3", f"{ready:.2f} s", "<= 2 s"),
        ("worker's resident memory after 200 answers, median of 3", f"{memory:.0f} MB", "<= 150 MB"),
        ("training libraries imported by the worker", ", ".join(list_heavy()) or "none", "none"),
    ]
    machine = f"{platform.platform(terse=True)}, {os.cpu_count()} cores, Python {platform.python_version()}"
    moment = f"{datetime.now(UTC):%Y-%m-%d}, load {os.getloadavg()[0]:.1f} at the end"
    print(f"trimtab {version('trimtab')}; {machine}; {moment}\n")
    print("| what | measured | wanted |\n|---|---|---|")
    for row in rows:
        print(f"| {' | '.join(row)} |")


if __name__ == "__main__":
    main()
