"""The lake: Delta tables of raw, clean and quarantined rows, of Predictions and of Outcomes.

    <root>/raw/<source>   <root>/clean   <root>/quarantine   <root>/predictions   <root>/outcomes

Every table is a plain Delta table that Polars, DuckDB, Spark and Ray read as it is. What deltalake leaves to its caller
is done here: nothing is said to be kept before files, log and folders are synced; a transaction id is looked up and
committed on one and the same handle; a commit that a power cut tore is put aside before the table is used again.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Any
from urllib.parse import unquote

import polars as pl
from deltalake import (
    ColumnProperties,
    CommitProperties,
    DeltaTable,
    Transaction,
    WriterProperties,
    write_deltalake,
)
from deltalake.exceptions import CommitFailedError, DeltaError, TableNotFoundError

from trimtab import clock
from trimtab.errors import StoreError, TrimtabError
from trimtab.store.column_name import read_name, write_names
from trimtab.store.delta_log import LOG, annotate, mend, newest_metadata, sync_commits
from trimtab.store.erasure import ARRIVED, finish
from trimtab.store.files import make_folder
from trimtab.store.table_name import table_folder, unescape
from trimtab.store.tables import fit_frame, known_schema

_TRIES = 8
_MARGIN = timedelta(minutes=10)  # between the making of a prediction's id and its arrival, clock steps included
_SETTINGS = {
    "delta.enableExpiredLogCleanup": "false",  # a Snapshot pins old versions, and they need their log
    "delta.dataSkippingStatsColumns": ARRIVED,  # the log repeats no value of a row
}
_CAN_READ = {"timestampNtz"}
_LOOKED_AT, _FEW = 1000, 100  # text of so few different values among its first ones is written with a dictionary
_NOTHING: Mapping[str, str] = MappingProxyType({})


class Lake:
    """The tables under `root`. Rows come back in no promised order: sort where order matters.

    Every verb raises StoreError where the disk or a table cannot be used.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self._mended: set[str] = set()

    def append(
        self,
        table: str,
        frame: pl.DataFrame,
        *,
        app: str | None = None,
        number: int | None = None,
        metadata: Mapping[str, str] = _NOTHING,
    ) -> int | None:
        """Return the Delta version that holds the rows, once they survive a power cut; the table is made where needed.

        With `app` and `number` rows are committed once: None means that this number, or a later one of that app, is in
        the table already. New columns are added; where the frame lacks one it is null.

        Raises:
            StoreError: a column's values do not fit its type in the table.
        """
        with self.explained(table):
            for _ in range(_TRIES):
                handle = self.open(table) or self._create(table, frame)
                if app is not None and _is_committed(handle, app, number or 0):
                    return None
                transactions = None if app is None else [Transaction(app, number or 0)]
                # On the handle that was just asked: a fresh one would commit the same transaction a second time.
                with suppress(CommitFailedError):  # somebody else was faster; look again whether it was with these rows
                    return self._commit(handle, table, frame, transactions, metadata)
        raise StoreError(f"others changed table {table} {_TRIES} times while it was written.", hint="try again")

    def committed(self, table: str, app: str) -> int | None:
        """Return the number of the newest transaction of an app in the table, or None."""
        with self.explained(table):
            handle = self.open(table)
            return None if handle is None else handle.transaction_version(app)

    def metadata(self, table: str) -> Mapping[str, str]:
        """Return the metadata of the newest commit that has any; empty where none has."""
        with self.explained(table):
            return newest_metadata(self.folder(table)) if self.open(table) else {}

    def version(self, table: str) -> int:
        """Return the table's Delta version now, or -1 where there is no table."""
        with self.explained(table):
            handle = self.open(table)
            return -1 if handle is None else handle.version()

    def read(self, table: str, *, version: int | None = None) -> pl.LazyFrame:
        """Return the rows now, or as of a Delta version; no rows, in the known columns, where there is no table.

        Raises:
            StoreError: the table has no such version.
        """
        with self.explained(table):
            handle = self.open(table)
            if handle is None or version == -1:
                return pl.LazyFrame(schema=known_schema(table))
            if version is not None:
                _go_back(handle, table, version)
            return _scan(handle, self.folder(table), file_names(handle))

    def tables(self) -> tuple[str, ...]:
        """Return the names of all tables, sorted."""
        folders = [
            log.parent.relative_to(self.root) for depth in ("*", "*/*") for log in self.root.glob(f"{depth}/{LOG}")
        ]
        return tuple(sorted("/".join(map(unescape, folder.parts)) for folder in folders))

    def find_prediction(self, id: str) -> dict[str, Any] | None:  # noqa: A002 (the nouns call it id, too)
        """Return one row of `predictions`, or None.

        An id says when it was made: by the table's statistics, only files with rows of the minutes around it are read.
        """
        with self.explained("predictions"):
            handle = self.open("predictions")
            if handle is None:
                return None
            files = _files_around(handle, clock.made_at(id))
            rows = _scan(handle, self.folder("predictions"), files).filter(pl.col("id") == id)
            return next(rows.limit(1).collect().iter_rows(named=True), None)

    def open(self, table: str) -> DeltaTable | None:
        """Return a fresh handle on a table, what a crash left of it put right first; None where there is no table."""
        folder = self.folder(table)
        if not (folder / LOG).is_dir():
            return None
        if finish(folder) or table not in self._mended:
            mend(folder)
            self._mended.add(table)
        try:
            return DeltaTable(folder)
        except TableNotFoundError:  # the folder of a table whose first commit never came
            return None

    def _create(self, table: str, frame: pl.DataFrame) -> DeltaTable:
        folder = make_folder(self.folder(table))
        schema = fit_frame(frame.rename(write_names(frame.columns, [])), table, pl.Schema()).schema
        try:
            handle = DeltaTable.create(folder, schema=schema, configuration=_SETTINGS)
        except DeltaError:
            other = self.open(table)  # somebody else made it a moment ago
            if other is None:
                raise
            return other
        sync_commits(folder, 0, 0)
        return handle

    def _commit(
        self,
        handle: DeltaTable,
        table: str,
        frame: pl.DataFrame,
        transactions: list[Transaction] | None,
        metadata: Mapping[str, str],
    ) -> int:
        before = handle.version()
        known = pl.Schema(handle.schema().to_arrow())
        rows = fit_frame(frame.rename(write_names(frame.columns, known)), table, known)
        write_deltalake(
            handle,
            rows,
            mode="append",
            schema_mode="merge",
            commit_properties=CommitProperties(custom_metadata=annotate(metadata), app_transactions=transactions),
            writer_properties=_choose_encodings(rows),
        )
        # From `before` on: who wrote that commit may not have synced it yet, and ours stands on it.
        sync_commits(self.folder(table), before, handle.version())
        return handle.version()

    def folder(self, table: str) -> Path:
        """Return where a table stands on disk."""
        return table_folder(self.root, table)

    @contextmanager
    def explained(self, table: str) -> Iterator[None]:
        """Turn what goes wrong with a table into a StoreError that names it."""
        try:
            yield
        except TrimtabError:
            raise
        except Exception as error:  # deltalake raises a plain Exception where its core refuses a schema
            if _is_full(error):
                hint = "make room: what was committed is kept, and the next turn goes on behind it"
                raise StoreError(
                    f"The disk is full: table {table} in {self.root} was not written.", hint=hint
                ) from error
            raise StoreError(
                f"table {table} in {self.root} cannot be used: {error}",
                hint="see to disk space and permissions; a damaged table is restored from a backup of its whole folder",
            ) from error


def _is_full(error: Exception) -> bool:
    """Whether an error says that no more can be written; deltalake's core has words for it, and no number."""
    words = ("os error 28", "os error 27", "os error 122")  # no space left, file too large, quota exceeded
    return any(word in str(error) for word in words)


def file_names(handle: DeltaTable) -> list[str]:
    """Return the names of the data files of the handle's version."""
    return [unquote(uri.rpartition("/")[2]) for uri in handle.file_uris()]


def _choose_encodings(rows: pl.DataFrame) -> WriterProperties:
    """Return how rows are written: in a third less time, and in fewer bytes, than with one encoding for all of them.

    A dictionary of many different values costs more than it saves: where text does not repeat itself, it is kept as
    lengths and letters apart. Text has no bounds in the file, as none is looked up by its order. Places (`_offset`)
    differ at their end only.
    """
    few = ColumnProperties(statistics_enabled="NONE", dictionary_enabled=True)
    many = ColumnProperties(statistics_enabled="NONE", encoding="DELTA_LENGTH_BYTE_ARRAY")
    text = (column for column in rows if column.dtype == pl.String)
    chosen = {column.name: few if column.head(_LOOKED_AT).n_unique() <= _FEW else many for column in text}
    if "_offset" in chosen:
        chosen["_offset"] = ColumnProperties(statistics_enabled="NONE", encoding="DELTA_BYTE_ARRAY")
    return WriterProperties(
        compression="ZSTD",
        compression_level=1,
        dictionary_page_size_limit=20_000,
        default_column_properties=ColumnProperties(statistics_enabled="CHUNK"),
        column_properties=chosen,
    )


def _is_committed(handle: DeltaTable, app: str, number: int) -> bool:
    newest = handle.transaction_version(app)
    return newest is not None and newest >= number


def _go_back(handle: DeltaTable, table: str, version: int) -> None:
    newest = handle.version()
    if not 0 <= version <= newest:
        raise StoreError(
            f"table {table} has no version {version}; its newest is {newest}.",
            hint="restore the lake from a backup that has it, or train again on the rows that are there",
        )
    handle.load_as_version(version)


def _scan(handle: DeltaTable, folder: Path, files: Sequence[str]) -> pl.LazyFrame:
    """Return the rows of some of the table's files. (`pl.scan_delta` does not find a folder whose name has a space.)"""
    schema = pl.Schema(handle.schema().to_arrow())
    features = set(handle.protocol().reader_features or ()) - _CAN_READ
    if features:
        raise OSError(f"another program wrote it with features that trimtab cannot read: {', '.join(sorted(features))}")
    if not files:
        return pl.LazyFrame(schema={read_name(name): dtype for name, dtype in schema.items()})
    paths = [folder / file for file in files]
    rows = pl.scan_parquet(
        paths, schema=schema, missing_columns="insert", extra_columns="ignore", glob=False, hive_partitioning=False
    )
    return rows.rename({name: read_name(name) for name in schema if read_name(name) != name})


def _files_around(handle: DeltaTable, moment: datetime | None) -> list[str]:
    added = pl.DataFrame(handle.get_add_actions(flatten=True))
    if moment is not None and "min._arrived_at" in added.columns:
        earliest, latest = moment - _MARGIN, moment + _MARGIN
        outside = (pl.col("max._arrived_at") < earliest) | (pl.col("min._arrived_at") > latest)
        added = added.filter(outside.not_().fill_null(value=True))
    return [unquote(path) for path in added["path"]]
