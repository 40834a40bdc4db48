"""The one-door rules of the house, read from the source as it stands.

Each rule is a function from a module to the lines that break it; each has snippets that must be caught.
"""

import ast
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src" / "trimtab"
STEPS = ("ingest", "contract", "trim", "train", "monitor", "retrain", "evaluate", "promote")
LIBRARIES_OF_STORE = {"sqlite3", "sqlalchemy", "deltalake", "alembic", "mlflow"}
LIBRARIES_OF_TRAIN = {"ctypes", "onnxruntime", "lightgbm", "sklearn", "skl2onnx", "onnx"}
FORBIDDEN_IMPORTS = {"pickle", "cPickle", "_pickle", "joblib", "cloudpickle", "dill", "marshal", "shelve"}
TIME_CALLS = {"now", "utcnow", "today"}
NAMELESS = {"utils", "util", "common", "helper", "helpers", "manager", "misc", "legacy"}


@dataclass(frozen=True)
class Place:
    """One module: its room ("clock", "store", ...) and its path inside the package."""

    room: str
    path: str
    tree: ast.Module
    text: str = ""


def imported(place: Place) -> Iterator[tuple[int, str]]:
    """Yield (line, dotted name) of everything that a module imports, wherever it does so."""
    for node in ast.walk(place.tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        if isinstance(node, ast.ImportFrom) and node.module:
            yield from ((node.lineno, f"{node.module}.{alias.name}") for alias in node.names)


def attributes(place: Place) -> Iterator[tuple[int, str, str]]:
    """Yield (line, object, attribute) of each `object.attribute` where the object is a plain or dotted name."""
    for node in ast.walk(place.tree):
        if isinstance(node, ast.Attribute):
            yield node.lineno, ast.unparse(node.value), node.attr


def top(name: str) -> str:
    return name.partition(".")[0]


def only_clock_reads_time(place: Place) -> Iterator[str]:
    if place.room == "clock":
        return
    yield from (f"{line}: imports {name}" for line, name in imported(place) if top(name) == "time")
    for line, owner, attribute in attributes(place):
        if attribute in TIME_CALLS and owner.rpartition(".")[2] in {"datetime", "date"}:
            yield f"{line}: {owner}.{attribute}"


def only_config_reads_environment(place: Place) -> Iterator[str]:
    if place.room == "config":
        return
    names = {"environ", "environb", "getenv", "getenvb", "putenv"}
    yield from (f"{line}: imports {name}" for line, name in imported(place) if name in {f"os.{one}" for one in names})
    yield from (f"{line}: {owner}.{name}" for line, owner, name in attributes(place) if owner == "os" and name in names)


USERS_OWN_DATA = (
    "path/record",
    "path/exam/",
    "ingest/database",
    "ingest/connection",
    "ingest/query",
    "ingest/table",
    "ingest/values",
    "demo/upstream/",
)


def only_store_speaks_to_the_record(place: Place) -> Iterator[str]:
    # The user's own database, and the demonstration's stand-in for one, are not trimtab's record.
    if place.room != "store" and not place.path.startswith(USERS_OWN_DATA):
        yield from (f"{line}: {name}" for line, name in imported(place) if top(name) in LIBRARIES_OF_STORE)


def only_train_opens_models(place: Place) -> Iterator[str]:
    # The exam's harness is a program of its own, run in the sandbox: it asks the system for prctl(2).
    known = {"ctypes"} if place.path == "path/exam/harness.py" else set[str]()
    if place.room != "train":
        yield from (f"{line}: {name}" for line, name in imported(place) if top(name) in LIBRARIES_OF_TRAIN - known)


def nothing_unpickles(place: Place) -> Iterator[str]:
    yield from (f"{line}: {name}" for line, name in imported(place) if top(name) in FORBIDDEN_IMPORTS)
    for node in ast.walk(place.tree):
        if isinstance(node, ast.keyword) and node.arg == "allow_pickle":
            yield f"{node.value.lineno}: allow_pickle"
        if isinstance(node, ast.Attribute) and node.attr in {"read_pickle", "to_pickle"}:
            yield f"{node.lineno}: {node.attr}"


def nothing_evaluates(place: Place) -> Iterator[str]:
    for node in ast.walk(place.tree):
        if isinstance(node, ast.Name) and node.id in {"eval", "exec", "compile", "__import__"}:
            yield f"{node.lineno}: {node.id}"


def nouns_are_plain(place: Place) -> Iterator[str]:
    if place.room == "nouns":
        known = sys.stdlib_module_names
        for line, name in imported(place):
            if top(name) not in known and not name.startswith("trimtab.nouns"):
                yield f"{line}: {name}"


def steps_know_no_store(place: Place) -> Iterator[str]:
    if place.room in STEPS:
        yield from (f"{line}: {name}" for line, name in imported(place) if name.startswith("trimtab.store"))


def row_contract_is_light(place: Place) -> Iterator[str]:
    if place.path == "contract/row.py":
        yield from (f"{line}: {name}" for line, name in imported(place) if top(name) in {"polars", "numpy"})


def functions_are_short(place: Place) -> Iterator[str]:
    for node in ast.walk(place.tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or node.lineno) - node.body[0].lineno + 1
            if length > 80:
                yield f"{node.lineno}: {node.name} has {length} lines"


def files_are_short_and_named(place: Place) -> Iterator[str]:
    lines = place.text.count("\n")
    if lines > 400:
        yield f"{lines} lines"
    if NAMELESS & set(Path(place.path).with_suffix("").parts):
        yield "the name says nothing"


Rule = Callable[[Place], Iterator[str]]
RULES: dict[Rule, Sequence[tuple[str, str]]] = {
    only_clock_reads_time: [
        ("serve/app.py", "import time"),
        ("serve/app.py", "from time import perf_counter"),
        ("loop/tick.py", "import datetime\ndatetime.datetime.now()"),
        ("loop/tick.py", "from datetime import date\ndate.today()"),
        ("loop/tick.py", "from datetime import datetime\nread = datetime.utcnow"),
    ],
    only_config_reads_environment: [
        ("serve/app.py", "import os\nos.environ['PORT']"),
        ("serve/app.py", "import os\nos.getenv('PORT')"),
        ("serve/app.py", "from os import environ"),
    ],
    only_store_speaks_to_the_record: [
        ("serve/app.py", "import sqlite3"),
        ("loop/tick.py", "def f():\n    from sqlalchemy.orm import Session"),
        ("train/fit.py", "import deltalake"),
        ("ingest/files.py", "import sqlalchemy"),
    ],
    only_train_opens_models: [
        ("serve/app.py", "import lightgbm"),
        ("serve/app.py", "from sklearn.linear_model import LinearRegression"),
        ("contract/row.py", "import ctypes"),
    ],
    nothing_unpickles: [
        ("train/artefact.py", "import pickle"),
        ("train/artefact.py", "from joblib import load"),
        ("train/artefact.py", "import numpy\nnumpy.load('x', allow_pickle=False)"),
        ("train/artefact.py", "import pandas\npandas.read_pickle('x')"),
    ],
    nothing_evaluates: [
        ("contract/row.py", "exec('x = 1')"),
        ("contract/row.py", "run = eval"),
        ("contract/row.py", "compile('1', '', 'eval')"),
    ],
    nouns_are_plain: [("nouns/record.py", "import numpy"), ("nouns/record.py", "from trimtab.errors import DataError")],
    steps_know_no_store: [
        ("train/fit.py", "from trimtab.store import open_lake"),
        ("ingest/files.py", "import trimtab.store.lake"),
    ],
    row_contract_is_light: [
        ("contract/row.py", "def f():\n    import polars"),
        ("contract/row.py", "from numpy import array"),
    ],
    functions_are_short: [("loop/tick.py", "def f():\n" + "    x = 1\n" * 81)],
    files_are_short_and_named: [("loop/tick.py", "x = 1\n" * 401), ("loop/utils.py", ""), ("helpers/tick.py", "")],
}


def module_at(path: str, text: str) -> Place:
    return Place(Path(path).parts[0].removesuffix(".py"), path, ast.parse(text), text)


def every_module() -> Iterator[Place]:
    for file in sorted(SOURCE.rglob("*.py")):
        yield module_at(file.relative_to(SOURCE).as_posix(), file.read_text(encoding="utf-8"))


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_rule_holds_in_the_whole_package(rule: Rule) -> None:
    breaches = [f"{place.path}:{what}" for place in every_module() for what in rule(place)]
    assert not breaches, "\n".join(breaches)


@pytest.mark.parametrize(
    ("rule", "path", "text"),
    [(rule, path, text) for rule, snippets in RULES.items() for path, text in snippets],
    ids=lambda value: value.__name__ if callable(value) else None,
)
def test_rule_catches_its_breach(rule: Rule, path: str, text: str) -> None:
    assert list(rule(module_at(path, text)))


@pytest.mark.parametrize(
    ("rule", "path", "text"),
    [
        (only_clock_reads_time, "clock.py", "import time"),
        (only_clock_reads_time, "loop/tick.py", "from trimtab import clock\nclock.now()"),
        (only_config_reads_environment, "config/environment.py", "import os\nos.environ"),
        (only_store_speaks_to_the_record, "store/lake.py", "import deltalake"),
        (only_train_opens_models, "train/families/boosting.py", "import ctypes"),
        (nothing_evaluates, "contract/row.py", "import re\nre.compile('x')"),
        (
            nouns_are_plain,
            "nouns/record.py",
            "from datetime import datetime\nfrom trimtab.nouns.verdict import Verdict",
        ),
    ],
)
def test_rule_lets_the_owner_of_the_door_through(rule: Rule, path: str, text: str) -> None:
    assert not list(rule(module_at(path, text)))


def test_there_is_a_package_to_read() -> None:
    """The rules would hold in an empty folder too."""
    rooms = {place.room for place in every_module()}
    assert {"clock", "errors", "nouns", "ingest", "store", "serve", "loop"} <= rooms


def check_floors(folder: Path) -> subprocess.CompletedProcess[str]:
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def test_imports_go_down() -> None:
    found = check_floors(ROOT)
    assert found.returncode == 0, found.stdout + found.stderr


def test_floors_catch_a_neighbour(tmp_path: Path) -> None:
    """The same contract, in a small house where ingest knows store."""
    (tmp_path / ".importlinter").write_text((ROOT / ".importlinter").read_text().replace("trimtab", "smallhouse"))
    house = tmp_path / "smallhouse"
    names = {
        word.rpartition(".")[2]
        for word in (tmp_path / ".importlinter").read_text().split()
        if word.startswith("smallhouse.")
    }
    for name in names:
        (house / name).mkdir(parents=True)
        (house / name / "__init__.py").write_text("import smallhouse.store\n" if name == "ingest" else "")
    (house / "__init__.py").write_text("")
    found = check_floors(tmp_path)
    assert found.returncode == 1
    assert "smallhouse.ingest -> smallhouse.store" in found.stdout
