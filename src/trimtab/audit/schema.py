"""JSON Schemas of an OpenAPI document, made plain: references resolved, alternatives chosen, null told apart."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from trimtab.audit.service import Field, Kind
from trimtab.audit.shape import Shape

Schema = dict[str, Any]

_DEEPEST = 24
_MOST = 20_000
"""References deeper than this, and more parts than this, become a schema that allows everything."""

_KINDS: Mapping[str, Kind] = {"number": "number", "integer": "integer", "string": "string", "boolean": "boolean"}


class Resolver:
    """Follows the references of one document; those that lead nowhere are collected in `broken`."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self._document = document
        self._parts = 0
        self.broken: set[str] = set()

    def inline(self, part: Any, depth: int = 0) -> Any:
        """Return a part of the document with every reference replaced by what it names; cycles end as {}."""
        self._parts += 1
        if depth > _DEEPEST or self._parts > _MOST:
            return {}
        if isinstance(part, Mapping):
            if isinstance(part.get("$ref"), str):
                beside = {name: value for name, value in part.items() if name != "$ref"}
                part = {**self._find(part["$ref"]), **beside}
                return self.inline(part, depth + 1)
            return {str(name): self.inline(value, depth + 1) for name, value in part.items()}
        return [self.inline(value, depth + 1) for value in part] if isinstance(part, list) else part

    def _find(self, reference: str) -> Mapping[str, Any]:
        found: Any = self._document
        for step in reference.removeprefix("#/").split("/") if reference.startswith("#/") else ("",):
            name = step.replace("~1", "/").replace("~0", "~")
            found = found.get(name) if isinstance(found, Mapping) else None
        if not isinstance(found, Mapping):
            self.broken.add(reference)
            return {}
        return found


def simplify(schema: Any) -> Schema:
    """Return an inlined schema without allOf, anyOf, oneOf, const and type lists; `nullable` says that null is allowed.

    Of several alternatives the first object with properties is taken, or else the first of all.
    """
    if not isinstance(schema, Mapping):
        return {}
    made = {name: value for name, value in schema.items() if name not in {"allOf", "anyOf", "oneOf", "const"}}
    for part in _list(schema.get("allOf")):
        made = _merge(simplify(part), made)
    for word in ("anyOf", "oneOf"):
        made = _choose(made, [simplify(part) for part in _list(schema.get(word))])
    if "const" in schema:
        made["enum"] = [schema["const"]]
    kinds = _list(made.get("type")) if isinstance(made.get("type"), list) else [made.get("type")]
    if "null" in kinds or None in _list(made.get("enum")):
        made["nullable"] = True
    made["type"] = next(
        (kind for kind in kinds if kind not in {"null", None}), "null" if "null" in kinds else _guess_type(made)
    )
    return made


def _choose(schema: Schema, options: Sequence[Schema]) -> Schema:
    real = [option for option in options if option.get("type") != "null" and option.get("enum") != [None]]
    if len(real) < len(options):
        schema = {**schema, "nullable": True}
    if not real:
        return schema
    return _merge(next((option for option in real if option.get("properties")), real[0]), schema)


def _merge(first: Schema, second: Schema) -> Schema:
    both = {**first, **{name: value for name, value in second.items() if value is not None}}
    if isinstance(first.get("properties"), Mapping) and isinstance(second.get("properties"), Mapping):
        both["properties"] = {**first["properties"], **second["properties"]}
    if first.get("required") or second.get("required"):
        both["required"] = [*_list(first.get("required")), *_list(second.get("required"))]
    return both


def _guess_type(schema: Schema) -> str | None:
    if isinstance(schema.get("properties"), Mapping) or "additionalProperties" in schema:
        return "object"
    if "items" in schema or "prefixItems" in schema:
        return "array"
    values = [value for value in _list(schema.get("enum")) if value is not None]
    return kind_of(values[0]) if values and kind_of(values[0]) != "unknown" else None


def kind_of(value: Any) -> Kind:
    """Return the kind of a value."""
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int):
        return "integer"
    if isinstance(value, float):
        return "number"
    return "string" if isinstance(value, str) else "unknown"


def walk(schema: Any, shape: Shape) -> Schema:
    """Return the schema of one row, {} where the document does not say it."""
    found: Any = schema
    for step in shape.path:
        found = simplify(found).get("items") if isinstance(step, int) else _property(found, step)
    found = simplify(found)
    if shape.kind == "rows":
        return simplify(found.get("items"))
    return found if shape.kind in {"flat", "wrapped"} else {}


def _property(schema: Any, name: str) -> Any:
    """Return the schema of a property, also where only one of several alternatives has it."""
    whole = _mapping(schema)
    options = [part for word in ("anyOf", "oneOf") for part in _list(whole.get(word))]
    known = [_mapping(simplify(part).get("properties")) for part in (whole, *options)]
    return next((properties[name] for properties in known if name in properties), None)


def find_fields(schema: Any, shape: Shape, row: Mapping[str, Any]) -> tuple[Field, ...]:
    """Return the fields of a row: those that the schema declares, then those that only the row has."""
    declared = walk(schema, shape)
    required = {str(name) for name in _list(declared.get("required"))}
    known = _mapping(declared.get("properties"))
    fields = [_field(str(name), simplify(part), row, required=name in required) for name, part in known.items()]
    rest = (name for name in row if name not in known)
    return (*fields, *(Field(name, kind=kind_of(row[name]), required=False, declared=False) for name in rest))


def _field(name: str, schema: Schema, row: Mapping[str, Any], *, required: bool) -> Field:
    kind = _KINDS.get(str(schema.get("type")), "unknown")
    return Field(
        name=name,
        kind=kind if kind != "unknown" or schema.get("type") in {"object", "array"} else kind_of(row.get(name)),
        required=required,
        nullable=bool(schema.get("nullable")),
        enum=tuple(value for value in _list(schema.get("enum")) if value is not None),
        minimum=_bound(schema, "minimum", "exclusiveMinimum"),
        maximum=_bound(schema, "maximum", "exclusiveMaximum"),
        known=tuple(_list(schema.get("examples"))) if kind == "string" else (),
        format=str(schema.get("format") or schema.get("pattern") or ""),
    )


def _bound(schema: Schema, plain: str, exclusive: str) -> float | None:
    for name in (plain, exclusive):  # in OpenAPI 3.0 the exclusive one is true or false
        value = schema.get(name)
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            return float(value)
    return None


def property_names(schema: Any, depth: int = 0) -> Iterator[str]:
    """Yield the names of all properties of a schema, also those inside."""
    made = simplify(schema)
    for name, part in _mapping(made.get("properties")).items():
        yield str(name)
        if depth < 4:
            yield from property_names(part, depth + 1)
    if made.get("items") and depth < 4:
        yield from property_names(made["items"], depth + 1)


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
