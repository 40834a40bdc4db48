"""The card of a Version: read from its files, and every number in it made again from the record."""

import hashlib
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import SequenceMatcher
from typing import Any

import polars as pl

from trimtab.errors import DataError, VersionError
from trimtab.loop.known import load_snapshot
from trimtab.loop.newcomer import within_window
from trimtab.loop.state import Wheel
from trimtab.nouns import Interval, Version
from trimtab.train.account import read_settings
from trimtab.train.card import read_facts, render_card
from trimtab.train.fit import Choice, choose, describe
from trimtab.train.manifest import read_files
from trimtab.train.trials import Notebook, Trial

Tell = Callable[[str], None]
CARD = "card.md"
# A word with a digit in it: a number, a time, a hash, a column's name. What stands around it does not count.
_WORD = re.compile(r"[-+]?[\w.,:%/-]*\d[\w.,:%/-]*")


@dataclass(frozen=True, slots=True)
class Difference:
    """A number of a card that the record does not give: where it stands, what it says, and what it should be.

    `stated` is empty where the card leaves a number out, `recomputed` where it has one too many.
    """

    section: str
    line: int
    stated: str
    recomputed: str


@dataclass(frozen=True, slots=True)
class CardCheck:
    """What became of a card that was checked: its hash beside that of the Version's own, and its numbers.

    The Version's own is card.md among its files, or the same card as `trimtab card` shows it, with values of rows.
    """

    hash: str
    own_hash: str
    numbers: int
    differences: tuple[Difference, ...]

    @property
    def is_own(self) -> bool:
        """Whether the file is the Version's card to the letter."""
        return self.hash == self.own_hash


def read_card(wheel: Wheel, version: Version) -> dict[str, bytes]:
    """Return the files of a Version, its card among them, each checked against its hash. Raises VersionError."""
    return read_files(wheel.blobs.path(version.id), version.id)[1]


def read_rows(wheel: Wheel, version: Version, files: Mapping[str, bytes]) -> pl.DataFrame | None:
    """Return the rows that a Version was judged on, None where the record or the Version cannot tell them any more."""
    try:
        read_facts(files)
        return _load_rows(_as_then(wheel, version, files), version)
    except (DataError, VersionError):
        return None


def verify_card(wheel: Wheel, version: Version, text: bytes | None = None, *, tell: Tell) -> CardCheck:
    """Return how a card's numbers compare with those made again from the record; None: the Version's own card.

    The rows are those of the Snapshot; the families are fitted again with the settings on record and judged on the same
    test part. Raises VersionError where another file of the Version was altered, DataError where rows are gone.
    """
    folder = wheel.blobs.path(version.id)
    _, files = read_files(folder, version.id, unchecked=CARD)
    read_facts(files)  # says what is missing before any work is done
    given = files[CARD] if text is None else text
    then = _as_then(wheel, version, files)
    tell(f"reading the {version.snapshot.rows:,} rows of Snapshot {version.snapshot.fingerprint}")
    rows = _load_rows(then, version)
    kept = json.loads((folder / "manifest.json").read_bytes())["files"][CARD]
    shown, given_hash = _hash(render_card(files, rows).encode()), _hash(given)
    made = _make_texts(then, version, files, rows, tell=tell)
    stated = given.decode("utf-8", errors="replace")
    wanted = [made[CARD]] if text is None else [made[CARD], render_card(made, rows)]
    differences = min((compare_numbers(stated, one) for one in wanted), key=len)
    own = shown if text is not None and given_hash == shown else kept
    return CardCheck(given_hash, own, len(_WORD.findall(stated)), differences)


def _hash(text: bytes) -> str:
    return hashlib.sha256(text).hexdigest()


def _as_then(wheel: Wheel, version: Version, files: Mapping[str, bytes]) -> Wheel:
    """Return the wheel with the settings and the Contract that a Version was made under."""
    contract = wheel.blobs.path(version.id) / "contract.toml"
    project = read_settings(json.loads(files["account.json"]), replace(wheel.project, contract=contract))
    return replace(wheel, project=project)


def _load_rows(then: Wheel, version: Version) -> pl.DataFrame:
    rows = load_snapshot(then, version.snapshot).rows
    return within_window(rows, then.project.train.window, version.snapshot.as_of)


def _make_texts(
    then: Wheel, version: Version, files: Mapping[str, bytes], rows: pl.DataFrame, *, tell: Tell
) -> dict[str, str]:
    """Return what a Version says about itself as the record gives it now, its card among it."""
    account, chosen = json.loads(files["account.json"]), json.loads(files["metrics.json"])
    tell("fitting again what was fitted, and judging it on the same rows")
    if account["repeated"]:
        choice = choose(rows, then.contract, then.project, recipe=chosen["recipe"], tell=tell)
    else:
        trials = Notebook([_recall(one) for one in chosen["families"]], finished=True)
        choice = choose(rows, then.contract, then.project, ledger=trials, tell=tell)
    choice = _with_counts(choice, chosen["families"])
    return describe(choice, then.contract, then.project, rows, snapshot=version.snapshot.fingerprint)


def _recall(tried: Mapping[str, Any]) -> Trial:
    """Return a family's best trial as the record has it; its score only has to be the only one."""
    if tried["dropped"]:
        return Trial(tried["name"], tried["params"], "failed", 0.0, reason=tried["dropped"])
    return Trial(tried["name"], tried["params"], "complete", 0.0, Interval(0.0, 0.0, 0.0, 1), tried["params"])


def _with_counts(choice: Choice, families: list[Mapping[str, Any]]) -> Choice:
    """Return the choice with the numbers of trials on record: a search by the clock cannot be made again."""
    trials = {one["name"]: one["trials"] for one in families}
    return replace(choice, families=tuple(replace(one, trials=trials[one.name]) for one in choice.families))


def compare_numbers(stated: str, made: str) -> tuple[Difference, ...]:
    """Return every number in which two texts differ; words without a digit may change."""
    told, wanted = list(_find_numbers(stated)), list(_find_numbers(made))
    moved = tuple(_align(told, wanted))
    if len(told) != len(wanted):
        return moved
    # Where as many numbers stand in both, one that was changed stands at its own place: that is the plainer account.
    pairs = zip(told, wanted, strict=True)
    plain = tuple(Difference(one[0], one[1], one[2], other[2]) for one, other in pairs if one[2] != other[2])
    return plain if len(plain) <= len(moved) else moved


Place = tuple[str, int, str]


def _align(told: Sequence[Place], wanted: Sequence[Place]) -> Iterator[Difference]:
    """Yield the differences of two lists of numbers of which some may have been left out or put in."""
    pairs = SequenceMatcher(None, [one[2] for one in told], [one[2] for one in wanted], autojunk=False)
    for kind, a, b, c, d in pairs.get_opcodes():
        for place in range(max(b - a, d - c) if kind != "equal" else 0):
            left = told[a + place] if a + place < b else None
            right = wanted[c + place] if c + place < d else None
            section, line, _ = left or (told[min(a, len(told) - 1)] if told else ("", 0, ""))
            yield Difference(section, line, left[2] if left else "", right[2] if right else "")


def _find_numbers(text: str) -> Iterator[Place]:
    """Yield the section, the line and the text of every word with a digit."""
    section = "front matter"
    for line, words in enumerate(text.splitlines(), start=1):
        if words.startswith("#"):
            section = words.lstrip("#").strip()
        for found in _WORD.findall(words):
            yield section, line, found.strip(".,:")
