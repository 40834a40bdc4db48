"""The files that an owner may give: what is declared about the service, with its waivers; and a budget for CI."""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from trimtab.audit.score import Waiver
from trimtab.audit.service import Declared
from trimtab.config import environment
from trimtab.errors import ConfigError, Mistake, UsageError

_Kind = TypeVar("_Kind", bound=BaseModel)
_LARGEST = 1 << 20


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class _Direction(_Table):
    field: str
    answer: Literal["up", "down"]


class _Invariance(_Table):
    field: str
    values: list[str | int | float | bool | None] = Field(min_length=1)


class _Waiver(_Table):
    probe: str
    reason: str = Field(min_length=20)
    by: str = Field(min_length=2)


class _Declaration(_Table):
    slo_p95_ms: float | None = Field(default=None, gt=0)
    public_demo: bool = False
    health: str = ""
    ready: str = ""
    metrics: str = ""
    feedback: str = ""
    direction: list[_Direction] = []
    invariance: list[_Invariance] = []
    waiver: list[_Waiver] = []


class Budget(_Table):
    """Bounds for CI: an audit outside of them has exit code 1."""

    score: float | None = Field(default=None, ge=0, le=100)
    """At least."""

    sections: dict[str, float] = {}
    """Score of a section, at least."""

    p95_ms: float | None = Field(default=None, gt=0)
    """Latency of the service, at most."""

    warnings: int | None = Field(default=None, ge=0)
    """Probes in state WARN, at most."""

    failures: int | None = Field(default=None, ge=0)
    """Probes in state FAIL or ERROR, at most."""

    must_pass: list[str] = []
    """Probes that have to be PASS, whatever their severity."""


def read_declaration(file: Path) -> tuple[Declared, tuple[Waiver, ...]]:
    """Return what a file declares, and its waivers. Raises ConfigError with every mistake."""
    table = _read(file, _Declaration)
    declared = Declared(
        slo_seconds=table.slo_p95_ms / 1000 if table.slo_p95_ms is not None else None,
        public_demo=table.public_demo,
        health=table.health,
        ready=table.ready,
        metrics=table.metrics,
        feedback=table.feedback,
        directions=tuple((one.field, one.answer) for one in table.direction),
        invariances=tuple((one.field, tuple(one.values)) for one in table.invariance),
    )
    return declared, tuple(Waiver(one.probe, one.reason, one.by) for one in table.waiver)


def read_budget(file: Path) -> Budget:
    """Return the bounds in a file. Raises ConfigError with every mistake."""
    return _read(file, Budget)


def read_headers(lines: list[str]) -> dict[str, str]:
    """Return `Name: value` lines as headers; a value `env:NAME` or `Bearer env:NAME` is read from the environment."""
    headers = {}
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon or not name.strip() or not line.isascii() or any(ord(letter) < 32 for letter in line):
            raise UsageError("--header takes 'Name: value', in ASCII.", hint="--header 'Authorization: Bearer env:KEY'")
        headers[name.strip()] = " ".join(_resolve(word) for word in value.split())
    return headers


def _resolve(word: str) -> str:
    if not word.startswith("env:"):
        return word
    value = environment(word.removeprefix("env:"))
    if not value:
        raise ConfigError(f"The environment has no variable {word.removeprefix('env:')}.", hint="set it, then repeat")
    return value


def _read(file: Path, kind: type[_Kind]) -> _Kind:
    try:
        if file.stat().st_size > _LARGEST:
            raise ConfigError(f"{file} is larger than 1 MB.")
        return kind.model_validate(_tables(file))
    except ValidationError as error:
        mistakes = [Mistake(".".join(map(str, one["loc"])), one["msg"]) for one in error.errors()]
        raise ConfigError(f"{file} has mistakes.", mistakes=mistakes) from None


def _tables(file: Path) -> Mapping[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{file} is no TOML: {error}") from None
