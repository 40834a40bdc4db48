"""How many rows go in and out of each common table expression, join and filter of a SELECT, counted when asked.

The text's syntax tree is taken apart and each part is run as a count of its own, over the same tables and in the same
closed database as the pipeline. A part that was counted is kept as a table, so that later ones need not make it again.
"""

import copy
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from threading import Timer
from typing import Any, Final

import duckdb
import polars as pl

from trimtab import clock
from trimtab.pipeline.sql import open_session, walk
from trimtab.pipeline.steps import Stage, Step

SECONDS: Final = 60.0
"""How long all counts of a text may take; what is not counted by then is not known."""

RESULT: Final = "result"
"""The name of a pipeline's last step."""

Node = dict[str, Any]
Values = dict[str, datetime | None] | None


def count_steps(
    text: str, tables: Mapping[str, pl.DataFrame], *, where: str, seconds: float = SECONDS
) -> tuple[Step, ...]:
    """Return the steps of a SELECT, its result as the last one, with rows in and out over `tables`; `$since` is null.

    A count is None where it needs more memory or time than there is, or the part cannot be run by itself.

    Raises:
        ConfigError: the text is no single SELECT, or takes rows from elsewhere.
    """
    with open_session(text, tables, since=None, where=where) as (connection, values):
        tree = json.loads(_ask(connection, "select json_serialize_sql(?)", text))
        if tree.get("error"):
            return ()
        count = _Counts(connection, values, clock.monotonic_ns() + int(seconds * 1e9))
        return tuple(_read_steps(tree["statements"][0]["node"], text, count))


def _ask(connection: duckdb.DuckDBPyConnection, query: str, value: str) -> str:
    return str(connection.execute(query, [value]).fetchall()[0][0])


@dataclass
class _Counts:
    """Counts of parts of a syntax tree, until the time is over. `ctes` are those that are not kept as tables."""

    connection: duckdb.DuckDBPyConnection
    values: Values
    until: int
    ctes: list[Node] = field(default_factory=list)

    def rows(self, source: Node, where: Node | None = None) -> int | None:
        """Return how many rows a FROM clause gives, after a WHERE clause where there is one."""
        found = self._run(self._write("count(*)", source, where))
        return None if found is None else int(found[0][0])

    def keep(self, cte: Node) -> None:
        """Take a common table expression in: as a table where that can be, else as what it is."""
        self.ctes.append(cte)
        name = '"' + cte["key"].replace('"', '""') + '"'
        made = self._run(
            self._write("*", _table(cte["key"])), f"create table {name} as "
        )  # fails where a source has it
        if made is not None:
            self.ctes.remove(cte)

    def text(self, node: Node) -> str:
        """Return a part of the tree as SQL, empty where there is no way to write it."""
        whole = {"error": False, "statements": [{"node": node, "named_param_map": []}]}
        with suppress(duckdb.Error):
            return _ask(self.connection, "select json_deserialize_sql(?)", json.dumps(whole))
        return ""

    def _write(self, what: str, source: Node, where: Node | None = None) -> str:
        form = json.loads(_ask(self.connection, "select json_serialize_sql(?)", f"select {what} from x"))
        node = form["statements"][0]["node"]
        node.update(from_table=source, where_clause=where, cte_map={"map": self.ctes})
        return self.text(node)

    def _run(self, query: str, before: str = "") -> list[tuple[Any, ...]] | None:
        left = (self.until - clock.monotonic_ns()) / 1e9
        if not query or left <= 0:
            return None
        timer = Timer(left, self.connection.interrupt)
        timer.start()
        try:
            asked = self.connection.extract_statements(query)[0].named_parameters
            values = {name: value for name, value in (self.values or {}).items() if name in asked}
            return self.connection.execute(before + query, values or None).fetchall()
        except duckdb.Error:  # too much memory, too much time, or a part that means nothing without the rest
            return None
        finally:
            timer.cancel()
            timer.join()


def _read_steps(node: Node, text: str, count: _Counts) -> Iterator[Step]:
    """Yield the common table expressions in their order, then the result."""
    for cte in node["cte_map"]["map"]:
        body = cte["value"]["query_node"]
        stages = list(_read_stages(body, text, count))  # before it is kept: inside, its name may still mean a source
        count.keep(cte)
        yield _make_step(cte["key"], body, text, count.text(body), (stages, count.rows(_table(cte["key"]))))
    body = {**node, "cte_map": {"map": []}}
    stages = list(_read_stages(body, text, count))
    yield _make_step(RESULT, body, text, count.text(body), (stages, count.rows(_subquery(body))))


def _make_step(name: str, body: Node, text: str, written: str, counted: tuple[list[Stage], int | None]) -> Step:
    stages, rows = counted
    sources = [stage.rows_out for stage in stages if stage.rows_in is None]
    first = _sum(sources) if stages else None
    if words := ", ".join(_later_clauses(body)):
        last = stages[-1].rows_out if stages and len(sources) == 1 else first
        stages.append(Stage(words, None, last, rows))
    return Step(name, _line_of_step(name, body, text), first, rows, written, tuple(stages))


def _read_stages(body: Node, text: str, count: _Counts) -> Iterator[Stage]:
    if body["type"] == "SELECT_NODE":
        yield from _read_select(body, text, count)
    elif body["type"] == "SET_OPERATION_NODE":
        yield from _read_branches(body, text, count)


def _read_select(body: Node, text: str, count: _Counts) -> Iterator[Stage]:
    """Yield the first table, each join in its order, and the filter."""
    source = body["from_table"]
    if source["type"] == "EMPTY":
        return
    joins: list[Node] = []
    while source["type"] == "JOIN":
        joins.append(source)
        source = source["left"]
    before = count.rows(source)
    yield Stage(_name(source), _line(source, text), None, before)
    for join in reversed(joins):
        after = count.rows(join)
        unmatched = _count_unmatched(join, count, before)
        yield Stage(f"{_kind(join)} {_name(join['right'])}", _line(join["right"], text), before, after, unmatched)
        before = after
    if body["where_clause"] is not None:
        after = count.rows(body["from_table"], body["where_clause"])
        yield Stage("where", _line(body["where_clause"], text), before, after)


def _read_branches(body: Node, text: str, count: _Counts) -> Iterator[Stage]:
    """Yield each SELECT of a UNION, EXCEPT or INTERSECT."""
    kind = body["setop_type"].lower() + (" all" if body.get("setop_all") else "")
    for branch in body.get("children") or (body["left"], body["right"]):
        source = branch.get("from_table")
        name = _name(source) if source else "select"
        yield Stage(f"{kind} of {name}", _line(source or branch, text), None, count.rows(_subquery(branch)))


def _sum(counts: Sequence[int | None]) -> int | None:
    return None if None in counts else sum(filter(None, counts))


def _later_clauses(body: Node) -> Iterator[str]:
    if body.get("group_expressions") or body.get("group_sets"):
        yield "group by"
    yield from (word for word in ("having", "qualify", "sample") if body.get(word))
    for modifier in body["modifiers"]:
        kind = modifier["type"].removesuffix("_MODIFIER").replace("_PERCENT", "").lower()
        if kind in {"distinct", "limit"}:
            yield kind


def _count_unmatched(join: Node, count: _Counts, before: int | None) -> int | None:
    """Return the rows of the left side that find none on the right one; None for joins where that has no meaning."""
    if join["join_type"] not in {"INNER", "LEFT"} or join["ref_type"] not in {"REGULAR", "ASOF"}:
        return None
    if join["ref_type"] == "ASOF":  # takes one row at most, so what it keeps is what it found
        found = count.rows({**join, "join_type": "INNER"})
        return None if found is None or before is None else before - found
    return count.rows({**join, "join_type": "ANTI"})


def _kind(join: Node) -> str:
    how = join["join_type"].lower() if join["ref_type"] not in {"CROSS", "POSITIONAL"} else ""
    prefix = "" if join["ref_type"] == "REGULAR" else f"{join['ref_type'].lower()} "
    return f"{prefix}{'' if how == 'inner' else f'{how} '}join".replace("  ", " ")


def _name(source: Node) -> str:
    return str(source.get("table_name") or source.get("alias") or source["type"].lower().replace("_", " "))


def _table(name: str) -> Node:
    return {
        "type": "BASE_TABLE", "alias": "", "sample": None, "schema_name": "", "table_name": name,
        "column_name_alias": [], "catalog_name": "", "at_clause": None, "qualified_name": {"path": [name]},
    }  # fmt: skip


def _subquery(node: Node) -> Node:
    inner = {"node": copy.deepcopy(node), "named_param_map": []}
    return {"type": "SUBQUERY", "alias": "t", "sample": None, "subquery": inner, "column_name_alias": []}


def _line(node: Node, text: str) -> int | None:
    """Return the line of a part of the text; places are counted in bytes."""
    place = node.get("query_location")
    raw = text.encode()
    return raw[:place].count(b"\n") + 1 if isinstance(place, int) and place <= len(raw) else None


def _line_of_step(name: str, body: Node, text: str) -> int | None:
    """Return the line with the step's name, or with its first word that the parser knows the place of."""
    raw = text.encode()
    places = [place for one in walk(body) if isinstance(place := one.get("query_location"), int) and place <= len(raw)]
    if not places:
        return None
    before = raw[: min(places)].decode(errors="replace")
    named: Sequence[re.Match[str]] = list(
        re.finditer(rf'(?i)(?<!\w)"?{re.escape(name)}"?\s*(\([^)]*\))?\s+as\b', before)
    )
    return before[: named[-1].start()].count("\n") + 1 if named else before.count("\n") + 1
