"""The way into somebody else's SQL database: read-only where the dialect can say so, and silent about passwords."""

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sqlalchemy import URL, Connection, Engine, Inspector, NullPool, create_engine, event, inspect, make_url, text
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, SQLAlchemyError

from trimtab import clock
from trimtab.errors import ConfigError, HostError
from trimtab.nouns import SourceSpec

_PATIENCE = 10.0
_EXAMPLE = "sqlite:////data/flights.db or postgresql+psycopg://USER@HOST/NAME"
_LIBPQ = {"connect_timeout": 10, "keepalives_idle": 30, "keepalives_interval": 10, "keepalives_count": 3}
"""A PostgreSQL server that does not answer, or has gone without a word, is given up after seconds, not hours."""

_SESSION = {
    "sqlite": ("pragma query_only = on",),
    "mysql": ("set session transaction read only", "set session max_execution_time = {milliseconds}"),
    "mariadb": ("set session transaction read only", "set session max_statement_time = {seconds}"),
}
"""What a fresh connection is told. PostgreSQL is told in each transaction, so that a pooler between shares nothing."""

_SETTINGS = text(
    "select set_config('statement_timeout', :limit, true), set_config('timezone', 'UTC', true),"
    " set_config('datestyle', 'ISO', true)"
)

_STEPS = 10_000
"""Instructions of SQLite's machine between two looks at the clock."""


@dataclass(frozen=True, slots=True)
class Door:
    """An engine, and its address without the password. `dynamic`: values may have another type than their column."""

    engine: Engine
    shown: str
    dynamic: bool
    password: str
    patience: float

    @property
    def dialect(self) -> str:
        """The kind of database: "sqlite", "postgresql", ..."""
        return self.engine.dialect.name

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Look at one consistent state, in a transaction that is read-only where the dialect knows that."""
        with self.engine.connect() as plain:
            options = {"postgresql_readonly": True} if self.dialect == "postgresql" else {}
            connection = plain.execution_options(**options)
            with connection.begin():
                if self.dialect == "postgresql":
                    connection.execute(_SETTINGS, {"limit": str(round(self.patience * 1000))})
                yield connection

    @contextmanager
    def inspect(self) -> Iterator[Inspector]:
        """Look at the catalogue. A type that SQLAlchemy does not know is no reason to warn: it is read as text."""
        with self.read() as connection, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield inspect(connection)

    def explain(self, error: SQLAlchemyError, where: str) -> HostError:
        """Return what a failure means, without the password and without the statement."""
        said = str(error.orig if isinstance(error, DBAPIError) else error).split("\n", 1)[0].strip()
        code = str(getattr(getattr(error, "orig", None), "sqlstate", ""))
        if code.startswith(_OF_DATA):
            said = f"a value cannot be used as the query wants it (SQLSTATE {code})"
        if self.password:
            said = said.replace(self.password, "***")
        hint = "see that it runs and may be read; the next turn goes on behind the last row that was kept"
        if any(sign in said for sign in _OVERDUE):
            hint = (
                f'an index on (cursor, key) makes it fast; timeout = "{self.patience:g}s" is the limit of a statement'
            )
        return HostError(f"{where}: {self.shown} cannot be read: {said[:300]}.", hint=hint)

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()


_OF_DATA = "22"
"""The class of SQLSTATE whose messages hold values: those of data are never told."""

_OVERDUE = ("statement timeout", "interrupted", "max_statement_time", "maximum statement execution time")


def open_door(spec: SourceSpec) -> Door:
    """Return the door to a source's database; nothing is connected yet.

    Raises ConfigError where the url is none, its driver is not installed, or it names an SQLite file that is not there.
    """
    where = f"[sources.{spec.name}] url"
    try:
        url = make_url(spec.url)
    except (ArgumentError, ValueError):
        raise ConfigError(f"{where} is no database URL.", hint=f"write it like {_EXAMPLE}") from None
    shown = url.set(query={}).render_as_string(hide_password=True)
    dynamic = url.get_backend_name() == "sqlite"
    if dynamic:
        url = _read_only_file(url, where)
    try:
        engine = create_engine(url, poolclass=NullPool, connect_args=_arguments(url))
    except NoSuchModuleError:
        raise ConfigError(f"{where}: '{url.drivername}' is no known kind of database.", hint=f"{_EXAMPLE}") from None
    except ImportError as error:
        raise ConfigError(f"{where}: the driver of '{url.drivername}' is not installed.", hint=_way_to(error)) from None
    patience = spec.patience.total_seconds()
    event.listen(engine, "connect", _prepare(engine.dialect.name, engine.dialect.driver, patience))
    return Door(engine, shown, dynamic, str(url.password or ""), patience)


def _way_to(error: ImportError) -> str:
    if error.name == "psycopg":
        return "pip install 'trimtab[postgres]'"
    return f"pip install {error.name}, beside trimtab" if error.name else "install it beside trimtab"


def _arguments(url: URL) -> dict[str, Any]:
    if url.get_backend_name() == "sqlite":
        return {"timeout": _PATIENCE}
    if url.drivername in {"postgresql", "postgresql+psycopg", "postgresql+psycopg2"}:
        return {name: value for name, value in _LIBPQ.items() if name not in url.query}
    return {}


def _read_only_file(url: URL, where: str) -> URL:
    """Return the URL of an SQLite file that opens it for reading only, and never makes it."""
    if not url.database or url.database == ":memory:":
        raise ConfigError(f"{where} names no file.", hint="write it like sqlite:////data/flights.db")
    if url.query.get("uri"):
        return url
    path = Path(url.database).absolute()
    if not path.is_file():
        raise ConfigError(f"{where}: there is no file {path}.", hint="four slashes begin an absolute path")
    return url.set(database=f"file:{quote(str(path))}", query={"mode": "ro", "uri": "true"})


def _prepare(dialect: str, driver: str, patience: float) -> Any:
    """Return what is done with a fresh connection: make it read-only and limited, and let odd values through.

    A value that the driver cannot read must not make the whole table unreadable: it comes as it is, and its row is
    rejected. JSON is not taken apart: it is kept as its text.
    """

    def prepare(connection: Any, _: Any) -> None:
        if dialect == "sqlite":
            connection.text_factory = _read_text
            _limit_statements(connection, patience)
        if driver == "psycopg":
            for kind, loader in _lenient_loaders().items():
                connection.adapters.register_loader(kind, loader)
        for statement in _SESSION.get(dialect, ()):
            cursor = connection.cursor()
            cursor.execute(statement.format(milliseconds=round(patience * 1000), seconds=patience))
            cursor.close()

    return prepare


def _limit_statements(connection: Any, patience: float) -> None:
    """Let SQLite look at the clock: `patience` counts from here, for all statements of a short connection."""
    end = clock.monotonic_ns() + round(patience * 1e9)
    connection.set_progress_handler(lambda: clock.monotonic_ns() > end, _STEPS)


def _read_text(data: bytes) -> str | bytes:
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data


@cache
def _lenient_loaders() -> dict[str, Any]:
    """Return how psycopg reads JSON, and times: PostgreSQL knows `infinity` and years before 1, Python does not."""
    from psycopg.adapt import Loader
    from psycopg.types.string import TextLoader

    def lenient(read: Callable[[str], Any]) -> type[Loader]:
        class Lenient(Loader):
            def load(self, data: Any) -> Any:
                said = bytes(data).decode()
                try:
                    return read(said)
                except ValueError:
                    return said

        return Lenient

    times = {"timestamp": datetime.fromisoformat, "timestamptz": datetime.fromisoformat, "date": date.fromisoformat}
    return {**{name: lenient(read) for name, read in times.items()}, "json": TextLoader, "jsonb": TextLoader}
