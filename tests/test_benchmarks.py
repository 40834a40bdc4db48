"""A page of figures says what was measured: it is made of the file beside it, and holds nothing else."""

import json
from pathlib import Path

from benchmarks.data_page import write_page

PAGES = Path(__file__).parents[1] / "docs" / "benchmarks"


def test_page_of_data_is_what_the_measured_figures_give() -> None:
    found = json.loads((PAGES / "data.json").read_text(encoding="utf-8"))
    assert (PAGES / "data.md").read_text(encoding="utf-8") == write_page(found)


def test_figures_of_data_are_all_of_the_full_protocol() -> None:
    found = json.loads((PAGES / "data.json").read_text(encoding="utf-8"))
    assert found["mb"] == 1000
    assert set(found["parts"]) == {"row", "clean", "stream", "csv", "sources", "peers", "accounting", "readers"}
    assert found["parts"]["accounting"]["figures"]["mismatches"] == []


def test_page_of_models_tells_the_measured_figures() -> None:
    """A part of this page is written by hand: none of its scores and goals is."""
    found = json.loads((PAGES / "models.json").read_text(encoding="utf-8"))
    page = (PAGES / "models.md").read_text(encoding="utf-8")
    assert all(f"| {' | '.join(goal)} |" in page for goal in found["goals"])
    for row in found["quality"]:
        digits = 4 if row["metric"] == "log loss" else 2
        scores = " | ".join(f"{mean:.{digits}f}" for mean in row["means"].values())
        assert f"{row['metric']} | {scores} | {row['difference']:+.{digits}f}" in page
