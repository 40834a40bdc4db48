"""How values are written in the files: durations, sizes, rates; and how one file's mistakes are gathered."""

import json
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Any, TypeVar, get_args, get_origin

from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError

from trimtab.errors import ConfigError, Mistake, NotBuiltYet, nearest

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_BYTES = {"B": 1, "kB": 10**3, "KB": 10**3, "MB": 10**6, "GB": 10**9}


class Section(BaseModel):
    """A table of a configuration file: every key declared, an unknown one is a mistake."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, validate_default=True)


S = TypeVar("S", bound=Section)


@dataclass(frozen=True, slots=True)
class Later:
    """Marks a documented key whose feature is not in this release; only the neutral value may stand there."""

    neutral: object = None


def read_duration(value: object) -> timedelta:
    """Return the duration of a text such as "90s", "10m", "2h" or "3d"."""
    if isinstance(value, timedelta):
        return value
    found = re.fullmatch(r"(\d+)([smhd])", value) if isinstance(value, str) else None
    if not found:
        raise ValueError('write a duration as "90s", "10m", "2h" or "3d"')
    return timedelta(seconds=int(found[1]) * _SECONDS[found[2]])


def read_size(value: object) -> int:
    """Return the bytes of a text such as "1MB" (powers of ten)."""
    if isinstance(value, int) and not isinstance(value, bool) and value > 0:
        return value
    found = re.fullmatch(r"(\d+)\s*(B|kB|KB|MB|GB)", value) if isinstance(value, str) else None
    if not found:
        raise ValueError('write a size as "500kB", "1MB" or "20GB"')
    return int(found[1]) * _BYTES[found[2]]


def read_span(value: object) -> timedelta | int:
    """Return a stretch of the record: a duration as text, or a positive number of rows."""
    if isinstance(value, bool) or (isinstance(value, int) and value <= 0):
        raise ValueError("a number of rows is at least 1")
    if isinstance(value, int):
        return value
    if isinstance(value, str) and value.isdigit():
        raise ValueError(f"a number of rows is written without quotes: {value}")
    return read_duration(value)


Duration = Annotated[timedelta, BeforeValidator(read_duration)]
Size = Annotated[int, BeforeValidator(read_size)]
Stretch = Annotated[timedelta | int, BeforeValidator(read_span)]


def read_toml(text: str, where: str) -> dict[str, Any]:
    """Return the tables of a TOML text; a syntax error is a ConfigError with its line."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{where} is not TOML: {error}.", hint="mend that line and run the command again") from None


def check(shape: type[S], tables: Mapping[str, Any], where: str) -> S:
    """Return the checked section, or raise one ConfigError with every mistake by dotted key.

    Raises NotBuiltYet when nothing else is wrong but a key asks for a feature of a later release.
    """
    later = tuple(_later(shape, tables, ""))
    try:
        section = shape.model_validate(tables)
    except ValidationError as error:
        mistakes = [_mistake(shape, dict(item)) for item in error.errors(include_url=False)]
        raise fail(where, [*mistakes, *later]) from None
    if later:
        raise NotBuiltYet(f"{where} asks for what this release has not built yet.", mistakes=later, hint="remove it")
    return section


def fail(where: str, mistakes: Iterable[Mistake]) -> ConfigError:
    """Return the error that carries all the mistakes of a file."""
    found = tuple(mistakes)
    count = "a mistake" if len(found) == 1 else f"{len(found)} mistakes"
    return ConfigError(f"{where} has {count}.", mistakes=found, hint="mend it and run `trimtab doctor`")


def _mistake(shape: type[Section], item: Mapping[str, Any]) -> Mistake:
    path = [str(part) for part in item["loc"] if not str(part).startswith(("function-", "lax-or-", "constrained-"))]
    where = ".".join(path)
    if item["type"] == "extra_forbidden":
        return Mistake(where, f"unknown key{nearest(path[-1], _keys(shape, path[:-1]))}")
    if item["type"] == "missing":
        return Mistake(where, "is required")
    if item["type"] == "value_error":
        return Mistake(where, str(item["ctx"]["error"]))
    told = item["msg"][0].lower() + item["msg"][1:]
    if item["type"] == "literal_error":  # only the word that is known is shown: what was written may be a secret
        told += nearest(str(item["input"]), re.findall(r"'([^']*)'", item["ctx"]["expected"]))
    return Mistake(where, told)


def section_of(annotation: Any) -> type[Section] | None:
    """Return the table that a field holds, itself or as the values of a mapping; None for a plain value."""
    if isinstance(annotation, type) and issubclass(annotation, Section):
        return annotation
    return next((found for part in get_args(annotation) if (found := section_of(part))), None)


def _keys(shape: type[Section], path: Iterable[str]) -> list[str]:
    current: type[Section] | None = shape
    free = False
    for part in path:
        if current is None:
            return []
        if free:
            free = False
            continue
        field = current.model_fields.get(part)
        if field is None:
            return []
        free = get_origin(field.annotation) in {dict, list}
        current = section_of(field.annotation)
    return list(current.model_fields) if current else []


def _later(shape: type[Section], tables: Mapping[str, Any], above: str) -> Iterable[Mistake]:
    for key, value in tables.items():
        field = shape.model_fields.get(key)
        if field is None:
            continue
        where = f"{above}{key}"
        marks = [mark for mark in field.metadata if isinstance(mark, Later)]
        if marks and value != marks[0].neutral:
            yield Mistake(where, "not built yet")
        inner = section_of(field.annotation)
        if inner is None or not isinstance(value, Mapping):
            continue
        if get_origin(field.annotation) is dict:
            for name, table in value.items():
                if isinstance(table, Mapping):
                    yield from _later(inner, table, f"{where}.{name}.")
        else:
            yield from _later(inner, value, f"{where}.")


def quoted(value: object) -> str:
    """Return a value as TOML text."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return repr(value)
    if isinstance(value, Mapping):
        inner = ", ".join(f"{key_text(str(key))} = {quoted(item)}" for key, item in value.items())
        return "{ " + inner + " }" if inner else "{}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(quoted(item) for item in value) + "]"
    return json.dumps(str(value), ensure_ascii=False).replace("\x7f", "\\u007f")


def key_text(name: str) -> str:
    """Return a name as a TOML key, bare where it may be.

    >>> key_text("carrier"), key_text("Größe (cm)")
    ('carrier', '"Größe (cm)"')
    """
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else quoted(name)
