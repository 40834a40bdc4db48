"""What one turn of the wheel needs, opened once."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from trimtab import config
from trimtab.monitor.seen import Seen
from trimtab.nouns import Contract, Project, Trim, Version
from trimtab.store import open_blobs, open_catalog, open_index, open_lake
from trimtab.store.blobs import Blobs
from trimtab.store.catalog import Catalog
from trimtab.store.index import Index
from trimtab.store.lake import Lake
from trimtab.train.artefact import Package, open_version
from trimtab.train.choose import Choice
from trimtab.train.profile import Portrait, open_portrait
from trimtab.trim.blend import Blend

LEASE = 6 * 3600.0
"""Seconds after which another machine may take over from a loop that died without a word; here its lock frees it."""


@dataclass(frozen=True, slots=True)
class Fit:
    """A fit that was done: the Version's id, the choice behind it, and how long both took."""

    version: str
    choice: Choice
    seconds: float = 0.0


@dataclass(frozen=True)
class Wheel:
    """A project with its record. `package` opens a Version once and keeps it for the life of the process.

    `fits` are the fits done so far, by the fingerprint of rows, recipe and settings, so that none is done twice; `seen`
    are the Windows looked at so far, by what makes them.
    """

    project: Project
    lake: Lake
    catalog: Catalog
    blobs: Blobs
    index: Index
    fits: dict[str, Fit] = field(default_factory=dict, repr=False)
    seen: dict[tuple[object, ...], Seen] = field(default_factory=dict, repr=False)
    _packages: dict[str, Package] = field(default_factory=dict, repr=False)
    _portraits: dict[str, Portrait] = field(default_factory=dict, repr=False)

    @cached_property
    def contract(self) -> Contract:
        """The contract.toml as it stands now; ConfigError with every mistake where it has some."""
        return config.load_contract(self.project.contract)

    @property
    def clean(self) -> str:
        """The lake's table of rows cleaned under the present Contract; every edit of it has a table of its own."""
        return f"clean/{self.contract.id}"

    def quarantined(self) -> pl.LazyFrame:
        """Return the rows and lines that the present Contract does not take."""
        rows = self.lake.read("quarantine").filter(pl.col("reasons").list.len() > 0)
        if "_contract" not in rows.collect_schema().names():
            return rows
        return rows.filter(pl.col("_contract").is_null() | (pl.col("_contract") == self.contract.id))

    def package(self, version: str) -> Package:
        """Return the opened Version, its hashes checked."""
        if version not in self._packages:
            self._packages[version] = open_version(self.blobs.path(version), expect=version)
        return self._packages[version]

    def portrait(self, version: str) -> Portrait:
        """Return what a Version was fitted on and promised. VersionError where an older trimtab wrote none."""
        if version not in self._portraits:
            self._portraits[version] = open_portrait(self.blobs.path(version), version)
        return self._portraits[version]

    def answer(self, trim: Trim, clean: pl.DataFrame) -> NDArray[np.float64]:
        """Return what a Trim answers to clean rows, as it would online."""
        blend = Blend(self.contract.target.task, trim.members)
        answers: NDArray[np.float64] = blend.answer_rows([self.package(id_).predict(clean) for id_ in blend.versions])
        return answers

    def champion(self) -> tuple[Trim, Version] | None:
        """Return what answers now and the Version with the greatest weight in it; None before the first promotion."""
        trim = self.catalog.trim()
        return None if trim is None else (trim, self.catalog.find_version(trim.champion))

    @contextmanager
    def turn(self, what: str) -> Iterator[None]:
        """Hold the right to write to the lake: one process of a project at a time, Busy for every other."""
        with self.catalog.lease("loop", f"{what} (process {os.getpid()})", LEASE):
            yield


def open_wheel(folder: Path) -> Wheel:
    """Return the opened project of a folder. Raises ConfigError, StoreError."""
    config.calm_threads()
    project = config.load(folder)
    return Wheel(
        project=project,
        lake=open_lake(project),
        catalog=open_catalog(project),
        blobs=open_blobs(project),
        index=open_index(project),
    )
