"""Golden rows: a Version carries twenty questions with its answers, and must repeat them bit for bit before it serves.

`try_version` asks in a child process with little memory and time, so that a model file that crashes, hangs or eats
memory is a sentence and not the end of a worker. The child is `python -m trimtab.train.golden FOLDER`.
"""

import json
import math
import resource
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import date, datetime
from pathlib import Path
from typing import IO, Any

import numpy as np

from trimtab import config
from trimtab.errors import TrimtabError, VersionError
from trimtab.nouns import Column, Contract, canonical
from trimtab.train.artefact import Answer, Package, assemble
from trimtab.train.manifest import read_files

ROWS = 20
UNSEEN = "never seen in training"
_ANSWERED = "golden rows answered"
_MOST_OUTPUT = 1_000_000
_MOST_FILES = 64


def make_rows(frame: Any, contract: Contract, rows: int = ROWS) -> list[list[Any]]:
    """Return so many rows of cleaned values in the order of the contract's columns, made up so that they are nobody's.

    Each feature's values are spread over those of a clean frame, halfway between two of them where there is a half, and
    stand in every column in another order. Every fourth row has each optional feature null, every fourth an unseen
    value in each category that accepts one.
    """
    columns = [_spread(frame, column, rows) for column in contract.columns]
    made = ([values[(row + 7 * place) % rows] for place, values in enumerate(columns)] for row in range(rows))
    return [_disturb(values, contract, row % 4) for row, values in enumerate(made)]


def _spread(frame: Any, column: Column, rows: int) -> list[Any]:
    """Return so many values from the least to the greatest of a feature, nulls for any other column.

    Those of a category are of its vocabulary, which the encoder holds anyway.
    """
    if column.role != "feature":
        return [None] * rows
    known = frame.get_column(column.name).drop_nulls()
    if column.type in {"boolean", "category"}:
        values = list(column.values or known.unique().sort().to_list())
        return [values[row % len(values)] for row in range(rows)] if values else [None] * rows
    last = len(known) - 1
    if last < 1:
        return [None] * rows
    places = np.linspace(0, last - 1, rows).astype(int)
    others = np.minimum(places + max(1, last // rows), last)
    ordered = known.sort()
    return [_halve(*pair) for pair in zip(ordered.gather(places), ordered.gather(others), strict=True)]


def _halve(low: Any, high: Any) -> Any:
    if isinstance(low, float):
        return low / 2 + high / 2
    return low + (high - low) // 2


def write_golden(package: Package, rows: Sequence[Sequence[Any]]) -> str:
    """Return golden.jsonl: for each row a line with its features' cleaned values by column, and the answer.

    Other columns are left out: a Version does not carry keys around. Raises VersionError for an answer that is not
    finite.
    """
    answer = package.compile_row()
    lines = []
    for row in rows:
        given = answer(row)
        if not np.isfinite(given).all():
            raise VersionError("The fitted model answers a golden row with something that is not a finite number.")
        values = {c.name: v for c, v in zip(package.contract.columns, row, strict=True) if c.role == "feature"}
        lines.append(canonical({"row": values, "answer": given}))
    return "\n".join(lines) + "\n"


def check_golden(package: Package, text: bytes) -> str:
    """Return "" where the package repeats every golden answer, alone and among many, else what went wrong."""
    lines = [json.loads(line) for line in text.splitlines()]
    rows = [_read_values(line["row"], package.contract) for line in lines]
    expected = [line["answer"] for line in lines]
    if not lines:
        return "there are no golden rows"
    answer, encode = package.compile_row(), package.encoder.compile_row()
    many = package.predictor.predict(np.array([encode(row) for row in rows], dtype=np.float64)).tolist()
    for number, (row, wanted, among) in enumerate(zip(rows, expected, many, strict=True), start=1):
        alone = answer(row)
        if not _same(alone, wanted) or not _same(among, wanted):
            return f"golden row {number} is answered {alone} alone and {among} among others, not {wanted}"
    return ""


def try_version(folder: Path, *, seconds: float = 20, megabytes: int = 1024) -> str:
    """Return "" where a limited child process opens the Version and repeats its golden answers, else what went wrong.

    Never raises for a bad Version. `megabytes` limit the child's memory beyond what its libraries reserve.
    """
    command = [sys.executable, "-I", "-m", "trimtab.train.golden", str(folder), str(math.ceil(seconds)), str(megabytes)]
    with tempfile.TemporaryFile() as output:
        try:
            child = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=_environment(),
                start_new_session=True,
            )
        except OSError as error:
            return f"the golden rows could not be asked: {error}"
        try:
            code = child.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            return f"the model did not answer its golden rows within {seconds:g} seconds"
        finally:
            child.kill()
            child.wait()
        return _judge(code, _last_line(output))


def _environment() -> dict[str, str]:
    """Return all that the child may know: where libraries are, and that one thread is enough.

    The rest is cleared: a model's code, if it had any, would find no secrets.
    """
    wanted = {name: config.environment(name) for name in ("PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")}
    kept = {name: value for name, value in wanted.items() if value}
    return {**kept, "LANG": "C.UTF-8", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}


def main(arguments: Sequence[str]) -> int:
    """Answer golden rows under limits; print one line and return 0 where all agree."""
    folder, seconds, megabytes = Path(arguments[0]), *(int(text) for text in (*arguments[1:3], "20", "1024")[:2])
    try:
        version, files = read_files(folder)
        _limit(seconds, megabytes)
        wrong = check_golden(assemble(version, files), files["golden.jsonl"])
    except TrimtabError as error:
        wrong = error.message
    except MemoryError:
        wrong = f"more than {megabytes} megabytes of memory were asked for"
    except Exception as error:  # noqa: BLE001 - whatever a model file provokes is the answer to the question
        wrong = f"{type(error).__name__}: {error}"
    print(_one_line(wrong) or _ANSWERED, flush=True)  # noqa: T201 - the line that the parent reads
    return 1 if wrong else 0


def _disturb(values: list[Any], contract: Contract, turn: int) -> list[Any]:
    changed = list(values)
    for place, column in enumerate(contract.columns):
        if column.role != "feature":
            continue
        if turn == 1 and not column.required:
            changed[place] = None
        if turn == 3 and column.type == "category" and column.unseen == "bucket":
            changed[place] = UNSEEN
    return changed


def _read_values(row: Mapping[str, Any], contract: Contract) -> list[Any]:
    """Return cleaned values in the order of the contract's columns; times come back from their text."""
    readers = {"time": datetime.fromisoformat, "date": date.fromisoformat}
    values = []
    for column in contract.columns:
        value = row.get(column.name)
        values.append(readers[column.type](value) if column.type in readers and value is not None else value)
    return values


def _same(given: Answer, wanted: Answer) -> bool:
    return np.array_equal(np.array(given).view(np.int64), np.array(wanted, dtype=np.float64).view(np.int64))


def _limit(seconds: int, megabytes: int) -> None:
    """Take memory, time, files and core dumps away from this process, before any model byte is read as a model."""
    memory = _reserved() + megabytes * 1_000_000
    for kind, most in (
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_CPU, seconds + 1),
        (resource.RLIMIT_NOFILE, _MOST_FILES),
        (resource.RLIMIT_FSIZE, _MOST_OUTPUT),
        (resource.RLIMIT_AS, memory),
    ):
        with suppress(ValueError, OSError):  # a lower limit than ours is already set, or this system has none
            resource.setrlimit(kind, (most, most))


def _reserved() -> int:
    """Return the bytes of address space that are reserved already, which the limit must not count."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    except OSError:
        return 0


def _one_line(text: str) -> str:
    """Return printable text of one line: a message may quote what a broken file holds."""
    return "".join(sign if sign.isprintable() else " " for sign in text)[:400]


def _last_line(output: IO[bytes]) -> str:
    output.seek(0)
    lines = output.read(_MOST_OUTPUT).decode(errors="replace").strip().splitlines()
    return _one_line(lines[-1]) if lines else ""


def _judge(code: int, line: str) -> str:
    if code == 0 and line == _ANSWERED:
        return ""
    if code < 0:
        return f"the process that loaded the model was ended by {signal.Signals(-code).name}"
    return line or f"the process that loaded the model ended with code {code} and said nothing"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
