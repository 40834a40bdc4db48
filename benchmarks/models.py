"""Print how good, faithful and fast trimtab's models are, beside FLAML, AutoGluon and what one writes in five minutes.

    python benchmarks/models.py                  every run that is missing, then the limits, then the page
    python benchmarks/models.py --only trimtab   the missing runs of some tools only (trimtab, flaml, autogluon, plain)
    python benchmarks/models.py --sets bikes,digits   the missing runs of some sets only
    python benchmarks/models.py --page           nothing but the page, from what was measured before
    python benchmarks/models.py --limits         parity and the large Version, then the page

The first form takes hours: sets x samples x three tools x a minute. It may be cut off at any time and goes on where it
stopped; results stand in .bench/models/. The other tools get environments of their own there. A page with fewer samples
or limits than the one in docs/ is printed and not written.
"""

import json
import os
import platform
import sys
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # before any library that starts threads

from environments import FOLDER
from models_limits import BUDGET, measure_large, measure_parity
from models_report import as_json, compare, draw_calibration, draw_chosen, draw_effort, draw_quality, judge_quality
from models_runs import REQUIREMENTS, SECONDS, THREADS, TOOLS, missing_runs, read_results, run
from models_sets import TABLES

LIMITS = FOLDER / "limits.json"
PAGE = Path(__file__).parents[1] / "docs" / "benchmarks" / "models.md"
FIGURES = PAGE.with_suffix(".json")
ABOUT = Path(__file__).parent / "models_about.md"


def measure_limits() -> None:
    """Measure parity and the large Version, and keep them."""
    found = {"parity": measure_parity(), "large": asdict(measure_large()), "moment": f"{datetime.now(UTC):%Y-%m-%d}"}
    LIMITS.write_text(json.dumps(found), encoding="utf-8")


def draw_limits(found: dict[str, Any]) -> list[tuple[str, str, str]]:
    """Return what was asked of parity, time and memory: goal, measured, wanted."""
    parity = [
        (
            f"{name}: packaged against fitted, at most, 20,000 rows with nulls and unseen categories",
            f"{distance:.1e}" if distance else "0.0",
            "0.0" if name.startswith("boosting") else "<= 1e-6",
        )
        for name, distance in found["parity"].items()
    ]
    large = found["large"]
    return [
        *parity,
        (
            f"`trimtab train`, {large['rows']:,} x 20, {BUDGET} s",
            f"{large['seconds']:.0f} s",
            f"<= {BUDGET * 1.2:.0f} s",
        ),
        ("its peak resident memory", f"{large['megabytes']:,.0f} MB", "<= 3,000 MB"),
    ]


def draw_page() -> tuple[str, dict[str, Any]]:
    """Return the page and its figures as plain values."""
    results = read_results()
    rows = compare(results)
    limits = json.loads(LIMITS.read_text(encoding="utf-8")) if LIMITS.exists() else None
    goals = [*judge_quality(rows), *(draw_limits(limits) if limits else [])]
    machine = f"{platform.platform(terse=True)}, {os.cpu_count()} cores, Python {platform.python_version()}"
    rivals = ", ".join(requirements[0] for requirements in REQUIREMENTS.values())
    budget = f"budget {SECONDS} s of wall clock and {THREADS} threads for each run"
    text = "\n".join(
        [
            "# How good the models are\n",
            "    make bench-models         # or: .venv/bin/python benchmarks/models.py\n",
            f"trimtab {version('trimtab')}; {rivals}; {budget}; {machine}; {datetime.now(UTC):%Y-%m-%d}.\n",
            "| what | measured | wanted |\n|---|---|---|",
            *(f"| {' | '.join(goal)} |" for goal in goals),
            "\n## Quality: mean over later rows, smaller is better\n",
            *draw_quality(rows),
            "\n## What was chosen\n",
            *draw_chosen(results),
            "\n## Expected calibration error on the later rows\n",
            *draw_calibration(results),
            "\n## What the runs got of the machine\n",
            *draw_effort(results),
            "\n## The sets\n",
            "| set | from | what | train and test rows of a sample |\n|---|---|---|---|",
            *(f"| {t.name} | {t.source} | {t.read.__doc__} | {t.train:,} + {t.test:,} |" for t in TABLES),
            "",
            ABOUT.read_text(encoding="utf-8"),
        ]
    )
    return text, {"quality": as_json(rows), "goals": goals, "limits": limits}


def find_lost(figures: dict[str, Any]) -> list[str]:
    """Return what the figures in docs/ tell and these do not: sets of which there are fewer samples now, the limits."""
    kept = json.loads(FIGURES.read_text(encoding="utf-8")) if FIGURES.exists() else {"quality": (), "limits": None}
    samples = {row["set"]: row["samples"] for row in figures["quality"]}
    lost = [row["set"] for row in kept["quality"] if samples.get(row["set"], 0) < row["samples"]]
    return lost + ["limits"] * bool(kept["limits"] and not figures["limits"])


def main(words: list[str]) -> None:
    """Measure what is missing, and write and print the page."""
    tools = words[words.index("--only") + 1].split(",") if "--only" in words else TOOLS
    sets = words[words.index("--sets") + 1].split(",") if "--sets" in words else [table.name for table in TABLES]
    if not {"--page", "--limits"} & set(words):
        for sample, tool in missing_runs(tools, sets):
            run(sample, tool)
    if "--limits" in words or ("--page" not in words and not LIMITS.exists()):
        measure_limits()
    text, figures = draw_page()
    print(text)
    lost = find_lost(figures)
    if lost:
        sys.exit(f"{PAGE.name} is not written: it tells more of {', '.join(lost)} than was measured here.")
    PAGE.write_text(text, encoding="utf-8")
    FIGURES.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
