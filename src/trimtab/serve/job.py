"""A long batch in steps that a crash does not undo: what is logged stays, the rest is done by the next run.

    .OUTPUT.job/  job.json      what is asked: the input as it stood, the output, the epoch that answers
                  000001.rows   the rows of a step, for the output
                  000001.step   its counts, the position behind it, its ids; written when the rows are durable
                  lock          held by the living run

A step is done when its Delta transaction (app `score/<job>`, its number) is in the log. So after a crash at any line
the steps that are in the log are kept as they are, and what was only prepared is answered again.
"""

import shutil
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import msgspec

from trimtab.serve.scorer import Part
from trimtab.store.files import sync_all, write_whole
from trimtab.store.index import Index
from trimtab.store.lake import Lake
from trimtab.store.locks import hold

FORMAT = 1
OVER = ".job.over"
"""The ending that a job's folder gets, in one step, before it is removed file by file."""


class Head(msgspec.Struct):
    """The job.json of a job; `asked` is the fingerprint of its input: a run that asks for the same goes on with it."""

    id: str
    epoch: int
    asked: str
    format: int = FORMAT


class Step(msgspec.Struct):
    """What became of one chunk."""

    position: dict[str, Any]
    rows: int
    answered: int
    reasons: dict[str, int]
    warnings: dict[str, int]
    ignored: tuple[str, ...]
    ids: tuple[str, str] | None


class Job:
    """One job in its folder. `steps` are those that are done, `epoch` is the Trim that it began with."""

    def __init__(self, folder: Path, head: Head, lake: Lake, index: Index) -> None:
        self.folder = folder
        self.epoch = head.epoch
        self._app = f"score/{head.id}"
        self._lake, self._index = lake, index
        self.steps = self._find_done()

    @property
    def position(self) -> dict[str, Any] | None:
        """Where the input goes on."""
        return self.steps[-1].position if self.steps else None

    def parts(self) -> list[Path]:
        """Return the files with the rows of the output, in their order."""
        return [self._path(number, "rows") for number in range(1, len(self.steps) + 1)]

    def keep(self, part: Part, position: Mapping[str, Any]) -> None:
        """Make a step durable: its rows, then its log, then the index."""
        number = len(self.steps) + 1
        step = Step(
            position=dict(position),
            rows=part.shown.height,
            answered=part.log.height,
            reasons=dict(part.reasons),
            warnings=dict(part.warnings),
            ignored=part.ignored,
            ids=part.ids,
        )
        rows = self._path(number, "rows")
        part.shown.write_parquet(rows, compression="lz4", statistics=False)
        sync_all([rows])
        write_whole(self._path(number, "step"), msgspec.json.encode(step).decode())
        # Also a step without answers is a transaction: its number says that it is done.
        self._lake.append("predictions", part.log, app=self._app, number=number)
        self._note(step)
        self.steps.append(step)

    def total(self, field: str) -> Counter[str]:
        """Return the sum of a field's counts over all steps."""
        return sum((Counter(getattr(step, field)) for step in self.steps), Counter[str]())

    def _find_done(self) -> list[Step]:
        done = self._lake.committed("predictions", self._app) or 0
        steps = [
            msgspec.json.decode(self._path(number, "step").read_bytes(), type=Step) for number in range(1, done + 1)
        ]
        if steps:
            self._note(steps[-1])  # the crash may have come between log and index
        return steps

    def _note(self, step: Step) -> None:
        if step.ids is not None:
            self._index.add(batches=[step.ids])

    def _path(self, number: int, kind: str) -> Path:
        return self.folder / f"{number:06d}.{kind}"


@contextmanager
def open_job(output: Path, asked: str, epoch: int, lake: Lake, index: Index) -> Iterator[Job]:
    """Hold the job of an output open: the one that a crash left where it asks for the same, else a new one.

    Its folder goes when the block ends; it stays where the block raises, if a step was done.
    Raises Busy where another run holds it.
    """
    folder = _folder_of(output)
    for gone in output.parent.glob(f".*{OVER}"):  # left by one that was killed while it tidied up
        shutil.rmtree(gone, ignore_errors=True)
    folder.mkdir(exist_ok=True)
    with hold(folder / "lock", f"the batch for {output}"):
        job = Job(folder, _read_head(folder, asked) or _begin(folder, asked, epoch), lake, index)
        is_over = False
        try:
            yield job
            is_over = True
        finally:
            if is_over or not job.steps:
                shutil.rmtree(folder.rename(folder.with_suffix(OVER)), ignore_errors=True)


def is_begun(output: Path, asked: str) -> bool:
    """Return whether a job that asks for the same left its folder: killed before its output, or right behind it."""
    return _read_head(_folder_of(output), asked) is not None


def _folder_of(output: Path) -> Path:
    return output.parent / f".{output.name}.job"


def _read_head(folder: Path, asked: str) -> Head | None:
    try:
        head = msgspec.json.decode((folder / "job.json").read_bytes(), type=Head)
    except (FileNotFoundError, msgspec.DecodeError):
        return None
    return head if (head.asked, head.format) == (asked, FORMAT) else None


def _begin(folder: Path, asked: str, epoch: int) -> Head:
    for old in folder.glob("[0-9]*"):
        old.unlink()
    head = Head(uuid4().hex, epoch, asked)
    write_whole(folder / "job.json", msgspec.json.encode(head).decode())
    return head
