"""One object between Polars and DuckDB, in both directions, without pyarrow."""

from typing import Any


class ArrowStream:
    """A frame or a result as nothing but a stream of Arrow batches: a fresh one at each reading.

    DuckDB takes a Polars frame for an unknown object and asks for pyarrow; Polars keeps the class of whatever it reads
    until the end of the process, and with DuckDB's own class all of DuckDB, which then complains of leaks. So this
    module must not import DuckDB.
    """

    def __init__(self, content: Any) -> None:
        self._content = content

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        """Return the stream, by the Arrow PyCapsule interface."""
        return self._content.__arrow_c_stream__(requested_schema)
