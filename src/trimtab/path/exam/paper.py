"""What an exam hands out and gives back: Paper and Task, Graded and Result."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from trimtab.nouns import State


@dataclass(frozen=True, slots=True)
class Task:
    """One question: its short name, the skill it shows, and its text. `name` is also the stem of the answer's file."""

    name: str
    skill: str
    title: str
    text: str


@dataclass(frozen=True, slots=True)
class Paper:
    """An exam as it was written into a folder."""

    seed: int
    folder: Path
    tasks: tuple[Task, ...]
    minutes: int


@dataclass(frozen=True, slots=True)
class Result:
    """How one task went. `message` never shows a value that was expected."""

    task: str
    skill: str
    state: State
    message: str


@dataclass(frozen=True, slots=True)
class Graded:
    """A submission with its results, in the order of the tasks; `seconds` is what the whole took."""

    results: tuple[Result, ...]
    passed: bool
    sandboxed: bool
    seconds: float
    notes: tuple[str, ...] = ()


def write_files(folder: Path, files: Mapping[str, bytes], *, keep: frozenset[str] = frozenset()) -> None:
    """Write files into a folder that is made where needed; names in `keep` are left alone where they exist already."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        if not (name in keep and (folder / name).exists()):
            (folder / name).write_bytes(content)
