"""Copies of a project that checks may spoil; the project itself is only read."""

import json
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from trimtab import config
from trimtab.contract.row import compile_row
from trimtab.errors import DataError, HostError
from trimtab.loop.known import Labelled, load_labelled, resolve
from trimtab.loop.state import Wheel, open_wheel
from trimtab.loop.withdraw import standing
from trimtab.nouns import Contract, Decision, Project, Trim, Version
from trimtab.nouns.project import PipelineSpec
from trimtab.serve.child import Server
from trimtab.store.copy import copy_record
from trimtab.store.record import features_text
from trimtab.train.manifest import read_files

Tell = Callable[[str], None]
Row = dict[str, Any]

TEXTS = frozenset({".toml", ".sql", ".py", ".md", ".txt", ".json", ".lock"})
LARGEST = 1_000_000
MOST_ROWS = 50_000
"""Labelled rows, the newest, that a fit of a check sees at most: enough to tell, and done in seconds."""
LOOKED = 200
"""Newest clean rows among which valid ones are looked for."""


@dataclass(frozen=True)
class Ground:
    """What checks stand on: `wheel` is a copy of the project, which they may read and fit on but leave as it is.

    What changes a Trim or a table works on a copy of its own, from `fresh`.
    """

    wheel: Wheel
    project: Project
    scratch: Path
    tell: Tell

    @cached_property
    def journal(self) -> tuple[Decision, ...]:
        """The Decisions of the project, oldest first."""
        return self.wheel.catalog.journal()

    @cached_property
    def champion(self) -> tuple[Trim, Version]:
        """What answers, and its champion. Raises DataError where nothing was promoted."""
        found = self.wheel.champion()
        if found is None:
            raise DataError("nothing was promoted yet", hint="run `trimtab train`")
        return found

    @cached_property
    def files(self) -> Mapping[str, bytes]:
        """The files of the champion, each checked against its hash."""
        version = self.champion[1]
        return read_files(self.wheel.blobs.path(version.id), version.id)[1]

    @cached_property
    def labelled(self) -> Labelled:
        """The labelled rows known now."""
        return load_labelled(self.wheel, resolve(self.wheel, None))

    @cached_property
    def newest(self) -> Labelled:
        """The newest of them, as many as a check's fit needs."""
        known = self.labelled
        rows = known.rows.tail(MOST_ROWS)
        return Labelled(rows, replace(known.snapshot, rows=rows.height))

    @cached_property
    def rows(self) -> list[Row]:
        """Some of the newest clean rows as a client sends them; each is valid. Raises DataError where there is none."""
        return valid_rows(self.wheel)

    @contextmanager
    def fresh(self) -> Iterator[Wheel]:
        """Give a wheel on a copy of its own, which goes again with the block."""
        with tempfile.TemporaryDirectory(dir=self.scratch) as folder, _opened(self.wheel.project, Path(folder)) as one:
            yield one

    @contextmanager
    def served(self) -> Iterator[tuple[Wheel, Server]]:
        """Give such a copy with a real server on it."""
        with self.fresh() as wheel, Server(wheel.project.folder, wheel.project.folder / "server.log") as server:
            yield wheel, server


@contextmanager
def open_ground(folder: Path, tell: Tell) -> Iterator[Ground]:
    """Give a copy of the project in a passing folder. Raises ConfigError, StoreError, HostError."""
    project = config.load(folder)
    with ExitStack() as stack:
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="trimtab-readiness-")))
        wheel = stack.enter_context(_opened(project, scratch / "copy"))
        yield Ground(wheel, project, scratch, tell)


@contextmanager
def _opened(project: Project, folder: Path) -> Iterator[Wheel]:
    copy = copy_project(project, folder)
    copy_record(project, copy)
    wheel = open_wheel(folder)
    with closing(wheel.catalog), closing(wheel.index):
        yield without_sources(wheel)


def copy_project(project: Project, folder: Path) -> Project:
    """Return the project as it stands in `folder`, after its texts were copied there; its record is not.

    Raises HostError where the state of such a copy would not lie inside it.
    """
    shutil.copytree(project.folder, folder, ignore=_leave_out(project), dirs_exist_ok=True)
    declared = folder / "trimtab.toml"
    text = declared.read_text(encoding="utf-8")
    declared.write_text(re.sub(r'(?m)^(folder\s*=\s*)"[^"]*"', r'\1".trimtab"', text), encoding="utf-8")
    copy = config.load(folder)
    if not copy.state.resolve().is_relative_to(folder.resolve()):
        raise HostError(
            f"A copy of the project would keep its state in {copy.state}, where the project's own may be.",
            hint="let [store] folder stand in trimtab.toml, and not in the environment, while drills run",
        )
    return copy


def _leave_out(project: Project) -> Callable[[str, list[str]], set[str]]:
    """Return which entries of a folder are no text of the project: its state, data, and what is hidden."""

    def leave(at: str, names: list[str]) -> set[str]:
        return {name for name in names if not _belongs(Path(at) / name, project.state)}

    return leave


def _belongs(path: Path, state: Path) -> bool:
    if path.name.startswith(".") or path == state or path.is_symlink():
        return False
    if path.is_dir():
        return any(found.suffix == ".py" for found in path.glob("*"))
    return path.suffix in TEXTS and path.stat().st_size <= LARGEST


def without_sources(wheel: Wheel) -> Wheel:
    """Return the wheel so that no turn of it reads from the project's sources, or begins drills inside a drill."""
    quiet = replace(wheel.project.loop, drills=None)
    return replace(wheel, project=replace(wheel.project, sources=(), pipeline=PipelineSpec(), loop=quiet))


def valid_rows(wheel: Wheel) -> list[Row]:
    """Return newest clean rows as JSON values that the Contract takes. Raises DataError where there is none."""
    judge = compile_row(wheel.contract)
    valid = [row for row in newest_rows(wheel) if not judge(row).reasons]
    if not valid:
        raise DataError("there is no clean row that the contract takes", hint="run `trimtab ingest`")
    return valid


def newest_rows(wheel: Wheel) -> list[Row]:
    """Return the newest clean rows as a client sends them."""
    names = [column.name for column in wheel.contract.columns]
    newest = standing(wheel.lake.read(wheel.clean)).sort("_row").tail(LOOKED).collect()
    return [as_sent(wheel.contract, row) for row in newest.select(names).rows()]


def as_sent(contract: Contract, values: tuple[Any, ...]) -> Row:
    """Return cleaned values as a client sends them; a null is left out."""
    names = [column.name for column in contract.columns]
    plain: Row = json.loads(features_text(names, values))
    return {name: value for name, value in plain.items() if value is not None}
