"""Whether a value is what a schema of an OpenAPI document declares."""

import re
from collections.abc import Mapping
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError, best_match
from referencing.exceptions import Unresolvable

from trimtab.errors import DataError


def find_mismatch(value: Any, schema: Mapping[str, Any]) -> str:
    """Return where a value differs from its schema, '' where it does not.

    Raises DataError where the schema itself cannot be used.

    >>> find_mismatch({"p": "0.4"}, {"properties": {"p": {"type": "number"}}})
    "p: '0.4' is not of type 'number'"
    """
    try:
        error = best_match(Draft202012Validator(_with_null(schema)).iter_errors(value))
    except (SchemaError, Unresolvable, RecursionError, re.error, TypeError) as fault:
        raise DataError(f"the declared schema cannot be used: {fault}") from fault
    if error is None:
        return ""
    return f"{'.'.join(map(str, error.path)) or 'the whole'}: {error.message[:200]}"


def _with_null(schema: Any) -> Any:
    """Return a schema whose `nullable` of OpenAPI 3.0 is written as JSON Schema writes it."""
    if isinstance(schema, list):
        return [_with_null(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    made = {name: _with_null(item) for name, item in schema.items() if name != "nullable"}
    if schema.get("nullable") is True:
        return {"anyOf": [made, {"type": "null"}]}
    return made
