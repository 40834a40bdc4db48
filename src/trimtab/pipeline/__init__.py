"""Step 2, first half: raw tables become the rows that the Contract describes.

sql.py       the user's one SELECT, run by DuckDB over frames and nothing else
arrow.py     frames to DuckDB and back
types.py     what DuckDB's types become in a frame, and which are refused
said.py      DuckDB's errors as sentences about the user's text, without anybody's data
changes.py   which of the rows that came out were not there before
"""

from trimtab.pipeline.changes import new_rows
from trimtab.pipeline.sql import describe_sql, run_sql

__all__ = ["describe_sql", "new_rows", "run_sql"]
