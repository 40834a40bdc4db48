"""The way into somebody else's SQL database: read-only where the dialect can say so, and silent about passwords."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sqlalchemy import URL, Connection, Engine, Inspector, NullPool, create_engine, event, inspect, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, SQLAlchemyError

from trimtab.errors import ConfigError, HostError
from trimtab.nouns import SourceSpec

_PATIENCE = 10.0
_EXAMPLE = "sqlite:////data/flights.db or postgresql+psycopg://USER@HOST/NAME"
_READ_ONLY = {
    "sqlite": "pragma query_only = on",
    "mysql": "set session transaction read only",
    "mariadb": "set session transaction read only",
}


@dataclass(frozen=True, slots=True)
class Door:
    """An engine, and its address without the password. `dynamic`: values may have another type than their column."""

    engine: Engine
    shown: str
    dynamic: bool
    password: str

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Look at one consistent state, in a transaction that is read-only where the dialect knows that."""
        with self.engine.connect() as plain:
            options = {"postgresql_readonly": True} if self.engine.dialect.name == "postgresql" else {}
            connection = plain.execution_options(**options)
            with connection.begin():
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
        if self.password:
            said = said.replace(self.password, "***")
        hint = "see that it runs and may be read; the next turn goes on behind the last row that was kept"
        return HostError(f"{where}: {self.shown} cannot be read: {said[:300]}.", hint=hint)

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()


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
    arguments: dict[str, Any] = {"timeout": _PATIENCE} if dynamic else {}
    if dynamic:
        url = _read_only_file(url, where)
    try:
        engine = create_engine(url, poolclass=NullPool, connect_args=arguments)
    except NoSuchModuleError:
        raise ConfigError(f"{where}: '{url.drivername}' is no known kind of database.", hint=f"{_EXAMPLE}") from None
    except ImportError as error:
        hint = f"pip install {error.name}, beside trimtab" if error.name else "install it beside trimtab"
        raise ConfigError(f"{where}: the driver of '{url.drivername}' is not installed.", hint=hint) from None
    event.listen(engine, "connect", _prepare(engine.dialect.name))
    return Door(engine, shown, dynamic, str(url.password or ""))


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


def _prepare(dialect: str) -> Any:
    """Return what is done with a fresh connection: make it read-only, and let SQLite hand over text that is none."""

    def prepare(connection: Any, _: Any) -> None:
        if dialect == "sqlite":
            connection.text_factory = _read_text
        if dialect in _READ_ONLY:
            cursor = connection.cursor()
            cursor.execute(_READ_ONLY[dialect])
            cursor.close()

    return prepare


def _read_text(data: bytes) -> str | bytes:
    try:
        return data.decode()
    except UnicodeDecodeError:  # one such value must not make the whole table unreadable; its row is rejected
        return data
