"""Step 2, first half: raw tables become the rows that the Contract describes.

sql.py       the user's one SELECT, run by DuckDB over frames and nothing else
python.py    the user's one function, imported from the project's folder and nowhere else
arrow.py     frames to DuckDB and back
types.py     what a result's types become in a frame, and which are refused
said.py      DuckDB's errors as sentences about the user's text, without anybody's data
changes.py   what a result changes in the rows that are kept
lineage.py   how many rows go in and out of each step of a SELECT
steps.py     the same for a function, which names its steps itself
"""

from trimtab.pipeline.changes import Changes, find_changes
from trimtab.pipeline.python import run_python
from trimtab.pipeline.sql import describe_sql, run_sql
from trimtab.pipeline.steps import step

__all__ = ["Changes", "describe_sql", "find_changes", "run_python", "run_sql", "step"]
