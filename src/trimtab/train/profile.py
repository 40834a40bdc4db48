"""What a Version was fitted on and what it promised, in constant space: the reference that windows are held to."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import polars as pl

from trimtab.errors import VersionError
from trimtab.metrics.profile import Profile, answer_columns
from trimtab.nouns import Contract
from trimtab.train.artefact import Answer
from trimtab.train.choice import Choice
from trimtab.train.labels import order_classes
from trimtab.train.manifest import read_files

FORMAT = 2
FILE = "profile.json"


@dataclass(frozen=True, slots=True)
class Portrait:
    """profile.json: what the rows of a Version looked like.

    features     of all rows that it was fitted on
    promised     of the rows it was judged on: its answers there (`answer`, of several classes also `confidence`), and
                 the `label`
    importance   how much the mean row loses without a column, measured on the same rows
    base         the answer of the baseline: class frequencies, or the mean of the label
    """

    features: Profile
    promised: Profile
    importance: Mapping[str, float] = field(default_factory=dict)
    base: Answer = 0.0

    def to_plain(self) -> dict[str, Any]:
        """Return JSON values."""
        return {
            "format": FORMAT,
            "base": self.base,
            "features": self.features.to_plain(),
            "promised": self.promised.to_plain(),
            "importance": dict(self.importance),
        }

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> Self:
        """Return the Portrait that `to_plain` wrote. Raises VersionError for another format."""
        if plain.get("format") != FORMAT:
            raise VersionError(
                f"{FILE} has format {plain.get('format')!r}; drift is measured from format {FORMAT} on.",
                hint="the next retrain writes it, or `trimtab train`",
            )
        promised = Profile.from_plain(plain["promised"])
        return cls(Profile.from_plain(plain["features"]), promised, plain["importance"], plain["base"])


def draw_portrait(frame: Any, contract: Contract, choice: Choice, base: Answer, account: str) -> Portrait:
    """Return the Portrait of the labelled clean rows of a fit; `account` is its account.json."""
    features = Profile.fit(frame, [column.name for column in contract.features])
    said = answer_columns(contract.target.task, choice.held_answers, order_classes(contract.target))
    promised = pl.DataFrame({**said, "label": frame.get_column("_label")[choice.held]})
    measured = json.loads(account)["evaluation"]["importance"]
    importance = {one["column"]: one["loss"]["value"] for one in measured}
    return Portrait(features, Profile.fit(promised, promised.columns), importance, base)


def open_portrait(folder: Path, version: str) -> Portrait:
    """Return the Portrait of the Version in a folder, every byte checked. Raises VersionError."""
    return Portrait.from_plain(json.loads(read_files(folder, version)[1][FILE]))
