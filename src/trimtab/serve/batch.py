"""A whole input answered with the champion: the Contract, encoder and model of the online route, bit for bit.

Not part of a serving worker: this module loads the frame library.
"""

import os
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path

from trimtab import config
from trimtab.errors import DataError, UsageError
from trimtab.ingest import Chunk
from trimtab.nouns import Project, SourceSpec
from trimtab.serve.asked import Asked, open_asked
from trimtab.serve.job import Job, is_begun, open_job
from trimtab.serve.model import Live
from trimtab.serve.scorer import Part, Scorer
from trimtab.serve.sheet import FILES, write_sheet
from trimtab.store import open_index
from trimtab.store.lake import Lake

AHEAD = 1
"""Chunks that wait for a thread while the one before is being kept, so that none stands still meanwhile."""
OTHER_NAME = "give --output another name"
Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Scored:
    """What became of an input: each row is answered or refused; `reasons` and `warnings` count them by field and code.

    `resumed` is how many of the rows an earlier run had answered before it was cut short.
    """

    rows: int
    answered: int
    refused: int
    version: str
    epoch: int
    reasons: Mapping[str, int] = field(default_factory=dict)
    warnings: Mapping[str, int] = field(default_factory=dict)
    ignored: tuple[str, ...] = ()
    resumed: int = 0


def score(  # noqa: PLR0917 - the verb hands over what it has opened
    project: Project,
    open_live: Callable[[int | None], Live],
    lake: Lake,
    source: Path,
    output: Path,
    tell: Tell,
    *,
    overwrite: bool = False,
) -> Scored:
    """Answer every row of a file, a folder or a Delta table; write the answers, in the order of the input, to `output`.

    `open_live` gives what answers at an epoch, None for now. Each chunk is logged before the next; the output appears
    when it is complete. A run that was killed is finished by the same call, with the epoch that it began with.
    Raises UsageError for an output that cannot be meant, DataError for an input that cannot be read or lacks a
    required column, Busy where another run writes the same output.
    """
    asked = open_asked(source, project.sources)
    refuse_output(project, source, output, overwrite=overwrite or is_begun(output, asked.fingerprint))
    live = open_live(None)
    with (
        closing(open_index(project)) as index,
        open_job(output, asked.fingerprint, live.epoch, lake, index) as job,
    ):
        resumed = sum(step.rows for step in job.steps)
        if job.epoch != live.epoch:
            live = open_live(job.epoch)
        _answer_all(Scorer(project, live, text=asked.is_text), asked, source, job, _threads(project), tell)
        rows, answered = (sum(getattr(step, name) for step in job.steps) for name in ("rows", "answered"))
        if not rows:
            raise DataError(f"{source.name} has no rows.", hint="name a file with rows")
        tell(f"writing {output.name}")
        write_sheet(job.parts(), output, job.folder)
        return Scored(
            rows,
            answered,
            rows - answered,
            live.model.name,
            live.epoch,
            job.total("reasons"),
            job.total("warnings"),
            tuple(dict.fromkeys(name for step in job.steps for name in step.ignored)),
            resumed,
        )


def _threads(project: Project) -> int:
    return project.train.threads or config.cores()


def _answer_all(  # noqa: PLR0917 - the parts of one run
    scorer: Scorer, asked: Asked, source: Path, job: Job, threads: int, tell: Tell
) -> None:
    """Answer chunks in several threads, and keep them in the order of the input; a few are in memory at any time."""
    rows, answered, shape = 0, 0, None
    for chunk, part in _answer_ahead(scorer, asked.source.read(job.position), source, threads):
        if shape not in {None, tuple(part.shown.columns)}:
            raise DataError(f"The files of {source.name} do not have the same columns.", hint="answer them one by one")
        shape = tuple(part.shown.columns)
        job.keep(part, chunk.position)
        rows, answered = rows + part.shown.height, answered + part.log.height
        tell(f"{rows:,} rows read, {answered:,} answered, {rows - answered:,} refused")


def _answer_ahead(scorer: Scorer, chunks: Iterator[Chunk], source: Path, threads: int) -> Iterator[tuple[Chunk, Part]]:
    """Yield chunks with their answers, in order, while later ones are worked on."""
    waiting: deque[tuple[Chunk, Future[Part]]] = deque()
    with ThreadPoolExecutor(threads, "score") as pool:
        try:
            for chunk in chunks:
                waiting.append((chunk, pool.submit(_answer_chunk, scorer, chunk, source)))
                if len(waiting) > threads + AHEAD:
                    first, part = waiting.popleft()
                    yield first, part.result()
            while waiting:
                first, part = waiting.popleft()
                yield first, part.result()
        finally:
            for _, part in waiting:
                part.cancel()


def _answer_chunk(scorer: Scorer, chunk: Chunk, source: Path) -> Part:
    """Return a chunk answered; what is wrong with the table as a whole is told with the file's name."""
    try:
        return scorer.answer(chunk)
    except DataError as error:
        said = f"{source.name} cannot be answered. {error.message}"
        raise DataError(said, hint=error.hint, mistakes=error.mistakes) from error


def refuse_output(project: Project, source: Path, output: Path, *, overwrite: bool = False) -> None:
    """Raise UsageError where the output is no CSV or Parquet file, or new folder, that can be written without a loss.

    The input, the project's sources and its record are never replaced; another file only where `overwrite` says so.
    """
    if output.suffix and output.suffix.lower() not in FILES:
        hint = "give --output a name with one of these endings, or with none for a Delta table"
        raise UsageError(f"{output} is neither .csv nor .parquet.", hint=hint)
    if output.is_dir() or not output.parent.is_dir():
        raise UsageError(f"{output} cannot be written: {output.parent} is no folder, or {output} is one.")
    if output.exists() and source.exists() and output.samefile(source):
        raise UsageError("Input and output are the same file.", hint=OTHER_NAME)
    if (output.parent.resolve() / output.name).is_relative_to(project.state.resolve()):
        raise UsageError(f"{output} lies in the record of the project, {project.state}.", hint=OTHER_NAME)
    for spec in project.sources:
        if spec.kind == "files" and _is_read_by(spec, output):
            raise UsageError(f"{output} is data that [sources.{spec.name}] reads as rows.", hint=OTHER_NAME)
    if os.path.lexists(output) and not overwrite:
        raise UsageError(f"{output} exists already.", hint=f"{OTHER_NAME}, or replace the file with --overwrite")


def _is_read_by(spec: SourceSpec, output: Path) -> bool:
    """Return whether a source reads a file of this name now, or would read it at the next turn."""
    folder, name = output.parent.resolve(), output.name
    if spec.path.is_dir():
        return folder == spec.path.resolve() and not name.startswith(".") and fnmatchcase(name, spec.pattern)
    same = spec.path.exists() and output.exists() and output.samefile(spec.path)
    return same or folder / name == spec.path.parent.resolve() / spec.path.name
