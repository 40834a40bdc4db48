"""One door for built-in and outside parts: what is unknown, or of a later release, is refused with a word."""

import subprocess
import sys
from pathlib import Path
from typing import Any, get_args

import pytest

from trimtab import metrics, plugins
from trimtab.errors import UsageError
from trimtab.plugins import BUILT_IN, Role, known, load

NAMES = [(role, name) for role in get_args(Role) for name in BUILT_IN[role]]


@pytest.mark.parametrize(("role", "name"), NAMES, ids=lambda text: text)
def test_every_built_in_part_can_be_loaded(role: Role, name: str) -> None:
    assert load(role, name).__module__.endswith(name)


def test_the_metrics_of_the_table_are_the_metrics_of_the_room() -> None:
    assert [load("metrics", name)().name for name in BUILT_IN["metrics"]] == [
        metric.name for metric in metrics.BUILT_IN
    ]


def test_an_unknown_name_is_refused_with_the_nearest() -> None:
    with pytest.raises(UsageError, match=r"there is no 'rsik'; did you mean 'risk'\?"):
        load("triggers", "rsik")


def test_an_unknown_role_is_refused() -> None:
    with pytest.raises(UsageError, match=r"no role 'gate'; did you mean 'gates'\?"):
        load("gate", "paired")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "dotted", ["nowhere_at_all:build", "math:nothing", "math:pi", ":build", "math:", "..a:b"], ids=lambda text: text
)
def test_a_dotted_text_that_leads_nowhere_says_so(dotted: str) -> None:
    with pytest.raises(UsageError, match=r"cannot be loaded|no function or class"):
        load("gates", dotted)


def test_a_dotted_text_is_taken_as_it_is() -> None:
    assert load("metrics", "trimtab.metrics.brier:Brier")().name == "brier"


@pytest.fixture
def stranger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An installed package that offers a trigger `always` and claims the name `risk` as well."""
    (tmp_path / "stranger.py").write_text("def build(project):\n    return 'always'\n")
    info = tmp_path / "stranger-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: stranger\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[trimtab.triggers]\nalways = stranger:build\nrisk = stranger:build\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


@pytest.mark.usefixtures("stranger")
def test_an_installed_package_enters_by_the_same_table() -> None:
    made: Any = load("triggers", "always")
    assert made(None) == "always"
    assert known("triggers")[-1] == "always"


@pytest.mark.usefixtures("stranger")
def test_a_name_that_two_packages_claim_is_refused_and_not_guessed() -> None:
    with pytest.raises(UsageError, match=r"claimed by trimtab\.retrain\.triggers\.risk:build and stranger:build"):
        load("triggers", "risk")


def test_naming_a_part_imports_no_room() -> None:
    code = "import sys, trimtab.plugins as p; p.known('families'); print([m for m in sys.modules if 'trimtab.' in m])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "['trimtab.errors', 'trimtab.plugins']"


def test_metrics_are_light() -> None:
    code = "import sys, trimtab.metrics.compare; print({'scipy', 'sklearn', 'polars'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "set()"


def test_module_text_names_the_groups() -> None:
    assert all(f"trimtab.{role}" in (plugins.__doc__ or "") for role in get_args(Role))
