"""DuckDB's errors as sentences about the user's text. What stands in the data is never repeated."""

import re
from collections.abc import Iterable

import duckdb

from trimtab.errors import ConfigError, HostError, TrimtabError, nearest

_ABOUT_TEXT = (
    duckdb.ParserException,
    duckdb.BinderException,
    duckdb.CatalogException,
    duckdb.SyntaxException,
    duckdb.PermissionException,
)
_ABOUT_ONE_VALUE = (duckdb.ConversionException, duckdb.OutOfRangeException)
_PLACE = re.compile(r"\n\s*LINE (\d+): (.*)\n(\s*)\^")
_MISSING = re.compile(r'Table with name "?([^"\s]+?)"? does not exist')
_DATA = re.compile(r"""'(?:[^']|'')*'|"[^"]*"|(?<![A-Za-z\d])[-+]?\d[\d.:eE+-]*""")


def explain(error: duckdb.Error, text: str, where: str, tables: Iterable[str]) -> TrimtabError:
    """Return the error that says what is wrong in the user's text, on which line, and what to do next."""
    if isinstance(error, duckdb.OutOfMemoryException):
        return HostError(f"{where}: there is not enough memory for this query.", hint="join fewer rows, or use $since")
    said = str(error)
    if isinstance(error, _ABOUT_TEXT):
        what = _first_sentence(said)
    elif isinstance(error, _ABOUT_ONE_VALUE):
        what = f"a value does not fit: {_DATA.sub('...', _first_sentence(said))}"
    else:  # its words may be the data's own
        what = f"the query fails on its rows ({type(error).__name__.removesuffix('Exception')})"
    return ConfigError(f"{where}{_line(said, text)}: {what}.", hint=_next_step(error, said, tables))


def _first_sentence(said: str) -> str:
    """Return what stands before the list of candidates and the quoted line, without DuckDB's name for its class."""
    head = said.split("\n", 1)[0]
    return re.sub(r"^[A-Za-z ]+ Error: ", "", head).rstrip("!. ")


def _line(said: str, text: str) -> str:
    """Return the line that DuckDB names, or the first one that holds the name it complains about."""
    place = _PLACE.search(said)
    if place:
        return f", line {place[1]}"
    name = re.search(r'"([^"\n]+)"|[Nn]ame (\S+)', said.split("\n", 1)[0])
    word = re.escape(name[1] or name[2]) if name else ""
    lines = [
        number for number, line in enumerate(text.split("\n"), start=1) if word and re.search(rf"\b{word}\b", line)
    ]
    return f", line {lines[0]}" if lines else ""


def _next_step(error: duckdb.Error, said: str, tables: Iterable[str]) -> str:
    missing = _MISSING.search(said)
    if missing:
        return f"the tables are the sources{nearest(missing[1], tables)}"
    if isinstance(error, duckdb.PermissionException):
        return "take rows from the sources only: files and other databases are out of reach"
    if isinstance(error, _ABOUT_ONE_VALUE):
        return "write try_cast(...), which gives null where a value does not fit"
    bindings = re.search(r'Candidate bindings: (.+)|Did you mean "([^"]+)"', said)
    if bindings:
        return f"did you mean {bindings[1] or bindings[2]}?"
    return "correct the text"
