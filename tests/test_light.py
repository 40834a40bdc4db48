"""What serves is light: its modules do not bring along the libraries of training, storage and drawing."""

import subprocess
import sys

import pytest

HEAVY = (
    "sklearn", "lightgbm", "scipy", "pandas", "deltalake", "duckdb", "altair", "vl_convert",
    "polars", "pyarrow", "alembic", "optuna",
)  # fmt: skip


def heavy_after(statement: str) -> set[str]:
    """Run one statement in a new interpreter; return which heavy libraries it loaded."""
    code = f"{statement}\nimport sys\nprint(*sys.modules, sep='\\n')"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    return set(HEAVY) & set(ran.stdout.split())


@pytest.mark.parametrize(
    "module",
    [
        "trimtab",
        "trimtab.nouns",
        "trimtab.config",
        "trimtab.charts",
        "trimtab.metrics",
        "trimtab.contract.row",
        "trimtab.serve.app",
    ],
)
def test_light_module_loads_nothing_heavy(module: str) -> None:
    assert not heavy_after(f"import {module}")


@pytest.mark.parametrize("library", ["polars", "scipy"])
def test_a_heavy_import_is_noticed(library: str) -> None:
    assert library in heavy_after(f"import {library}")
