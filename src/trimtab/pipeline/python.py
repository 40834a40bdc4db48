"""The user's pipeline.py: one function that makes rows from frames, imported from the project's folder only.

It is the user's own program: it runs in this process, with its rights, and may import what is installed. Modules beside
it may be imported too; nothing of it stays behind in the interpreter's search path or among its modules, and no
compiled copies are written.
"""

import importlib.util
import inspect
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any, Final

import polars as pl

from trimtab.errors import ConfigError, TrimtabError, nearest
from trimtab.pipeline.types import plain_frame

MOST: Final = 100
"""Rows of the result for each row of all tables together, beyond which a join has multiplied them."""
SMALL: Final = 100_000
"""Rows of a result that are never too many."""

_SAYS_NO_DATA = (
    ImportError,
    NameError,
    AttributeError,
    SyntaxError,
    TypeError,
    pl.exceptions.ColumnNotFoundError,
    pl.exceptions.SchemaFieldNotFoundError,
    pl.exceptions.DuplicateError,
)


def run_python(
    file: Path, function: str, tables: Mapping[str, pl.DataFrame], *, folder: Path, since: datetime | None
) -> pl.DataFrame:
    """Return the rows that `function(tables, since)` of a file makes, in plain types (see types.py).

    `tables` are copies under the sources' names; `since` is the moment from which rows may still change, None the first
    time. The function may return a DataFrame or a LazyFrame.

    Raises:
        ConfigError: the file lies outside `folder`, cannot be imported or fails, with its line; or what it returns is
            no frame, has far too many rows, or columns without a plain type.
    """
    where = f"{file}, {function}"
    with _imported(file, folder) as module:
        build = _find(module, function, file)
        try:
            made = build({name: table.clone() for name, table in tables.items()}, since)
            found = made.collect() if isinstance(made, pl.LazyFrame) else made
        except TrimtabError:
            raise
        except (Exception, SystemExit) as error:  # noqa: BLE001 (whatever the user's program raises is told)
            raise _explain(error, file, folder) from None
    if not isinstance(found, pl.DataFrame):
        kind = "nothing" if found is None else f"a {type(found).__module__.partition('.')[0]} {type(found).__name__}"
        raise ConfigError(f"{where} returns {kind}, not a Polars frame.", hint="end it with `return frame`")
    _refuse_explosion(found.height, sum(table.height for table in tables.values()), where)
    return plain_frame(found, where)


def read_program(file: Path, folder: Path) -> str:
    """Return the text of a program and of the modules beside it: all that a change of its result may come from."""
    return "\n".join(f"# {path.name}\n{_read(path)}" for path in (_contain(file, folder), *_beside(file)))


def _beside(file: Path) -> list[Path]:
    return sorted(path for path in file.parent.glob("*.py") if path != file and path.is_file())


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"[pipeline] python: {path} cannot be read: {error}.") from None


def _contain(file: Path, folder: Path) -> Path:
    """Return the file. Raises ConfigError where it is none of the folder: a link may lead anywhere."""
    if not file.is_file():
        raise ConfigError(f"[pipeline] python: there is no file {file}.", hint="write it, or correct the name")
    if not file.resolve().is_relative_to(folder.resolve()):
        raise ConfigError(
            f"[pipeline] python: {file} leads out of the project's folder.", hint="put the file itself there"
        )
    return file


class _FreshLoader(SourceFileLoader):
    """Reads the source each time: a compiled copy is known by size and second, and an edit may keep both."""

    def get_code(self, _name: str, /) -> CodeType:
        return self.source_to_code(self.get_data(self.path), self.path)


@contextmanager
def _imported(file: Path, folder: Path) -> Iterator[ModuleType]:
    """Give the imported file while the modules beside it can be imported too; forget them all afterwards.

    Its folder stands last in the search path, so that no file there takes the place of a library that we use ourselves.
    """
    loader = _FreshLoader(file.stem, str(_contain(file, folder)))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader(file.stem, loader) or _no_spec(file))
    before, wrote = dict(sys.modules), sys.dont_write_bytecode
    sys.path.append(str(file.parent))
    sys.dont_write_bytecode = True
    sys.modules[file.stem] = module
    try:
        try:
            loader.exec_module(module)
        except (Exception, SystemExit) as error:  # noqa: BLE001 (whatever the user's program raises is told)
            raise _explain(error, file, folder) from None
        yield module
    finally:
        sys.dont_write_bytecode = wrote
        sys.path.remove(str(file.parent))
        _forget(before, file)


def _no_spec(file: Path) -> Any:
    raise ConfigError(f"[pipeline] python: {file} cannot be imported.")


def _forget(before: Mapping[str, ModuleType], file: Path) -> None:
    """Remove the modules that came from beside a file, and put back what they stood in place of."""
    inside = str(file.parent)
    for name, module in list(sys.modules.items()):
        if before.get(name) is not module and str(getattr(module, "__file__", None) or "").startswith(inside):
            del sys.modules[name]
            if name in before:
                sys.modules[name] = before[name]


def _find(module: ModuleType, function: str, file: Path) -> Callable[..., object]:
    found = getattr(module, function, None)
    if not inspect.isfunction(found):
        known = [name for name, value in vars(module).items() if inspect.isfunction(value)]
        raise ConfigError(
            f"{file} has no function '{function}'{nearest(function, known)}.",
            hint=f"write def {function}(tables, since):",
        )
    try:
        inspect.signature(found).bind({}, None)
    except TypeError:
        line = found.__code__.co_firstlineno
        raise ConfigError(
            f"{file}, line {line}: {function} cannot be called with (tables, since).",
            hint=f"write def {function}(tables, since):",
        ) from None
    return found


def _explain(error: BaseException, file: Path, folder: Path) -> ConfigError:
    """Return the error with file, line and text of the user's program; words that may be the data's are left out."""
    if isinstance(error, SyntaxError) and error.filename:
        return ConfigError(f"{error.filename}, line {error.lineno}: {error.msg}.", hint="correct the line")
    frames = [one for one in traceback.extract_tb(error.__traceback__) if _is_own(Path(one.filename), folder)]
    place = f"{frames[-1].filename}, line {frames[-1].lineno}" if frames else f"{file}, in the plan that it returns"
    kind = type(error).__name__
    words = str(error).strip().split("\n", 1)[0] if isinstance(error, _SAYS_NO_DATA) else ""
    said = f"{kind}: {words.rstrip('.')}" if words else f"it fails ({kind})"
    line = f" at `{frames[-1].line}`" if frames and frames[-1].line else ""
    return ConfigError(
        f"{place}: {said}{line}.", hint="correct it; what the error says of the rows is not repeated here"
    )


def _is_own(file: Path, folder: Path) -> bool:
    return file.is_relative_to(folder) and "site-packages" not in file.parts


def _refuse_explosion(made: int, given: int, where: str) -> None:
    if made > max(SMALL, MOST * given):
        raise ConfigError(
            f"{where} makes {made:,} rows out of {given:,}.",
            hint="a join over columns that are not unique multiplies rows: make the right side unique first",
        )
