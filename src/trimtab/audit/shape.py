"""Where the rows stand in a request: flat, wrapped, in a list, as tensors or as columns."""

from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any, Literal

Row = dict[str, Any]
Kind = Literal["flat", "wrapped", "rows", "lists", "list", "tensors", "split", "columns"]

TENSOR_TYPES = {"FP64": "number", "FP32": "number", "FP16": "number", "BOOL": "boolean", "BYTES": "string"}


@dataclass(frozen=True, slots=True)
class Shape:
    """The form of a payload: `path` leads from its root to where the rows are.

    flat: the root is the row. wrapped: an object inside is it. rows: a list of objects. lists: a list of lists, whose
    fields are called 0, 1, ... list: one such row. tensors: Open Inference Protocol v2, one tensor a field, or one of
    all. split: MLflow's `dataframe_split`. columns: an object of lists.
    """

    kind: Kind
    path: tuple[str | int, ...] = ()

    @property
    def batches(self) -> bool:
        """Whether several rows can be sent at once."""
        return self.kind not in {"flat", "wrapped", "list"}

    @property
    def named(self) -> bool:
        """Whether fields have names that the service knows."""
        return self.kind not in {"list", "lists"}

    def read(self, payload: Any) -> Row:
        """Return the first row of a payload."""
        found = self._find(payload)
        if self.kind in {"flat", "wrapped"}:
            return dict(found)
        if self.kind == "rows":
            return dict(found[0])
        if self.kind in {"list", "lists"}:
            return {str(position): value for position, value in enumerate(found if self.kind == "list" else found[0])}
        if self.kind == "split":
            return dict(zip(found["columns"], found["data"][0], strict=False))
        if self.kind == "columns":
            return {name: values[0] for name, values in found.items()}
        return _read_tensors(found)

    def write(self, payload: Any, rows: Sequence[Row]) -> Any:
        """Return a copy of a payload with these rows instead of its own; a shape that takes one gets the first."""
        made = self._rows(self._find(payload), [deepcopy(row) for row in rows])
        if not self.path:
            return made
        whole = deepcopy(payload)
        holder = whole
        for step in self.path[:-1]:
            holder = holder[step]
        holder[self.path[-1]] = made
        return whole

    def _find(self, payload: Any) -> Any:
        for step in self.path:
            payload = payload[step]
        return payload

    def _rows(self, old: Any, rows: list[Row]) -> Any:
        if self.kind in {"flat", "wrapped"}:
            return rows[0]
        if self.kind == "rows":
            return rows
        if self.kind in {"list", "lists"}:
            lists = [list(row.values()) for row in rows]
            return lists[0] if self.kind == "list" else lists
        names = list(dict.fromkeys(name for row in rows for name in row))
        if self.kind == "split":
            return {**old, "columns": names, "data": [[row.get(name) for name in names] for row in rows]}
        if self.kind == "columns":
            return {name: [row.get(name) for row in rows] for name in names}
        return _write_tensors(old, rows, names)


def _read_tensors(tensors: Sequence[Mapping[str, Any]]) -> Row:
    if _is_matrix(tensors):
        width = int(tensors[0]["shape"][-1])
        return {str(position): value for position, value in enumerate(_flat(tensors[0]["data"])[:width])}
    return {str(tensor["name"]): _flat(tensor["data"])[0] for tensor in tensors}


def _write_tensors(old: Sequence[Mapping[str, Any]], rows: list[Row], names: list[str]) -> Any:
    if _is_matrix(old):
        data = [value for row in rows for value in row.values()]
        return [{**old[0], "shape": [len(rows), len(rows[0])], "data": data}]
    known = {str(tensor["name"]): tensor for tensor in old}
    made = []
    for name in names:
        tensor = known.get(name, {"name": name, "datatype": "FP64", "shape": [1]})
        shape = [len(rows), *tensor["shape"][1:]]
        made.append({**tensor, "shape": shape, "data": [row.get(name) for row in rows]})
    return made


def _is_matrix(tensors: Sequence[Mapping[str, Any]]) -> bool:
    """Whether one tensor holds all fields of a row."""
    return len(tensors) == 1 and len(tensors[0].get("shape", ())) == 2 and tensors[0]["shape"][-1] > 1


def _flat(data: Any) -> list[Any]:
    return [item for part in data for item in _flat(part)] if isinstance(data, list) else [data]
