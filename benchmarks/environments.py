"""Environments of other tools, each of its own under .bench/, made once; and single wheels, for the data in them."""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

FOLDER = Path(__file__).parents[1] / ".bench" / "models"


def python_of(name: str, requirements: Sequence[str]) -> Path:
    """Return the Python of an environment with these requirements; made anew when they have changed."""
    folder = FOLDER / "environments" / name
    python, stamp = folder / "bin" / "python", folder / "requirements.txt"
    wanted = "\n".join(requirements)
    if not stamp.exists() or stamp.read_text(encoding="utf-8") != wanted:
        subprocess.run([sys.executable, "-m", "venv", "--clear", folder], check=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", *requirements], check=True)
        stamp.write_text(wanted, encoding="utf-8")
    return python


def run_in(name: str, requirements: Sequence[str], words: Sequence[str]) -> None:
    """Run a Python command in an environment."""
    subprocess.run([python_of(name, requirements), *words], check=True)


def fetch_wheel(requirement: str) -> Path:
    """Return the file of a package, downloaded once and never installed."""
    folder = FOLDER / "wheels"
    name = requirement.partition("==")[0].lower()
    found = sorted(folder.glob(f"{name}-*"))
    if not found:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(folder), requirement]
        subprocess.run(command, check=True)
        found = sorted(folder.glob(f"{name}-*"))
    return found[0]
