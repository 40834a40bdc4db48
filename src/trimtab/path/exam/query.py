"""Runs one SQL query on the passengers, in memory, with no way to the outside, and saves its result.

A program of its own, run in the sandbox: it reads `query.sql` beside it and writes `result.json`, {"columns", "rows"}.
"""

import json
from pathlib import Path

import duckdb

TYPES = {
    "passenger": "INTEGER",
    "survived": "INTEGER",
    "class": "INTEGER",
    "sex": "VARCHAR",
    "age": "DOUBLE",
    "fare": "DOUBLE",
    "port": "VARCHAR",
}
MAX_ROWS = 5_000


def run_query(text: str) -> dict[str, object]:
    """Return the columns and rows of the one SELECT in a text; ValueError where it is none or several."""
    database = duckdb.connect(":memory:", config={"memory_limit": "512MB", "threads": "1"})
    database.execute("CREATE TABLE passengers AS FROM read_csv('passengers.csv', header = true, columns = $1)", [TYPES])
    database.execute("CREATE TABLE fares AS FROM read_csv('fares.csv', header = true)")
    database.execute("SET enable_external_access = false")
    database.execute("SET lock_configuration = true")
    statements = duckdb.extract_statements(text)
    if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
        raise ValueError("Write exactly one query, a SELECT")
    found = database.execute(statements[0])
    columns = [part[0] for part in found.description or ()]
    return {"columns": columns, "rows": found.fetchmany(MAX_ROWS)}


if __name__ == "__main__":
    result = run_query(Path("query.sql").read_text(encoding="utf-8"))
    Path("result.json").write_text(json.dumps(result, default=float), encoding="utf-8")
