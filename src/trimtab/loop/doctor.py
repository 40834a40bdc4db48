"""doctor: machine, configuration and record, each judged with its reason and what to do next."""

import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from trimtab.errors import TrimtabError
from trimtab.loop.state import Wheel, open_wheel
from trimtab.nouns import Judgement, State
from trimtab.promote.gates import open_gates
from trimtab.retrain.triggers import open_triggers
from trimtab.store.mirror import reach
from trimtab.train.booster import open_library
from trimtab.train.golden import try_version

LEAST_SPACE = 1_000_000_000
"""Bytes that should be free: a spool that cannot grow refuses answers."""


def examine(folder: Path | None) -> tuple[Judgement, ...]:
    """Return a Judgement for each thing that trimtab needs; with a folder also for that project."""
    return (*_examine_machine(folder or Path()), *(_examine_project(folder) if folder else ()))


def _examine_machine(folder: Path) -> Iterator[Judgement]:
    version = ".".join(map(str, sys.version_info[:3]))
    yield _judge("python", sys.version_info >= (3, 11), f"Python {version}", "trimtab needs 3.11 or newer")
    yield _try("lightgbm", _load_booster)
    free = shutil.disk_usage(folder if folder.exists() else Path.cwd()).free
    yield _judge("space", free >= LEAST_SPACE, f"{free / 1e9:.1f} GB free", f"only {free / 1e9:.2f} GB are free")


def _load_booster() -> str:
    open_library()
    return "LightGBM's library can be loaded"


def _examine_project(folder: Path) -> Iterator[Judgement]:
    opened: list[Wheel] = []
    yield _try("configuration", lambda: _open(folder, opened))
    if not opened:
        return
    wheel = opened[0]
    yield _try("contract", lambda: f"contract {wheel.contract.id}, {len(wheel.contract.features)} features")
    yield _try("triggers", lambda: ", ".join(trigger.name for trigger in open_triggers(wheel.project)))
    yield _try("gates", lambda: ", ".join(gate.name for gate in open_gates(wheel.project)))
    yield wheel.catalog.verify_journal()
    yield _try("lake", lambda: f"tables: {', '.join(wheel.lake.tables()) or 'none yet'}")
    if wheel.project.mlflow:
        yield _try("mlflow", lambda: _reach_mirror(wheel.project.mlflow))
    yield _examine_champion(wheel)


def _reach_mirror(address: str) -> str:
    reach(address)
    return "the MLflow server answers"


def _open(folder: Path, opened: list[Wheel]) -> str:
    opened.append(open_wheel(folder))
    return f"project {opened[0].project.name}"


def _examine_champion(wheel: Wheel) -> Judgement:
    standing = wheel.champion()
    if standing is None:
        return Judgement("champion", State.CANNOT_TELL, ("nothing is promoted yet; run `trimtab train`",))
    try:
        wrong = try_version(wheel.blobs.path(standing[1].id))
    except TrimtabError as error:
        wrong = str(error)
    name = standing[1].name
    return _judge("champion", not wrong, f"{name} answers its golden rows", f"{name} does not: {wrong}")


def _judge(name: str, good: object, said: str, wrong: str) -> Judgement:
    return Judgement(name, State.PASS, (said,)) if good else Judgement(name, State.FAIL, (wrong,))


def _try(name: str, look: Callable[[], str]) -> Judgement:
    """Return PASS with what was seen, or FAIL with the error as its reason: a doctor looks at everything."""
    try:
        return Judgement(name, State.PASS, (look(),))
    except TrimtabError as error:
        return Judgement(name, State.FAIL, (str(error),))
