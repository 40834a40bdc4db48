"""The service under audit: what discovery found, and what a probe may do with it."""

import json
import re
from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

from trimtab.audit.answer import Answer, read_answer, without_changing
from trimtab.audit.client import Client, Reply
from trimtab.audit.shape import Row, Shape

JSON = "application/json"
Kind = Literal["number", "integer", "string", "boolean", "unknown"]
Item = TypeVar("Item")

_MARK = "\x1dtrimtab\x1d"
_ECHOES = {"input", "ctx", "body", "received", "value"}


@dataclass(frozen=True, slots=True)
class Field:
    """One field of the row, as its schema declares it, or as its value in the seed shows it."""

    name: str
    kind: Kind = "unknown"
    required: bool = False
    nullable: bool = False
    enum: tuple[Any, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    format: str = ""
    known: tuple[Any, ...] = ()
    """Values that the schema shows as examples; others may be answered, too."""

    declared: bool = True
    """Whether a schema declares it; otherwise only the example has it."""

    @property
    def has_bounds(self) -> bool:
        """Whether a lower or upper bound is declared."""
        return self.minimum is not None or self.maximum is not None

    @property
    def constrained(self) -> bool:
        """Whether more is said of its values than their type: bounds, a format, or the categories that are known."""
        return bool(self.enum or self.format or self.has_bounds or self.kind == "boolean") or len(self.known) > 1


@dataclass(frozen=True, slots=True)
class Budget:
    """How much an audit may ask: all requests together, and what the parts of it take."""

    requests: int
    fields: int
    """Fields that one probe tries, spread over the row."""

    repeats: int
    """Equal requests of a probe that compares answers."""

    varied: int
    """Different valid rows of a probe that looks whether the model reacts."""

    rounds: int
    calls: int
    """Rounds of the latency probe, and calls in each."""

    burst: tuple[int, int]
    """Connections at once, and requests on each."""


FULL = Budget(requests=400, fields=5, repeats=20, varied=25, rounds=3, calls=20, burst=(32, 3))
QUICK = Budget(requests=120, fields=2, repeats=4, varied=6, rounds=3, calls=4, burst=(8, 2))


@dataclass(frozen=True, slots=True)
class Declared:
    """What the owner says about the service; every part may be left out."""

    slo_seconds: float | None = None
    """95th percentile of latency that is promised."""

    public_demo: bool = False
    health: str = ""
    ready: str = ""
    metrics: str = ""
    feedback: str = ""
    directions: tuple[tuple[str, Literal["up", "down"]], ...] = ()
    """A field, and where the answer goes when it grows."""

    invariances: tuple[tuple[str, tuple[Any, ...]], ...] = ()
    """A field, and values that must not change the answer."""


@dataclass(slots=True)
class Service:
    """A live endpoint with a valid request to it."""

    client: Client
    openapi: Mapping[str, Any] | None
    openapi_problems: tuple[str, ...]
    openapi_path: str
    """Where the document was found, or ''."""

    path: str
    """The predict route, put behind the client's base; where it redirects, what it leads to."""

    route: str
    """How the document writes it, or ''."""

    operation: Mapping[str, Any]
    """The route's operation in the document, references resolved; empty where there is none."""

    shape: Shape
    seed: Any
    """A valid payload."""

    seed_from: Literal["example", "document", "guess", "repair"]
    fields: tuple[Field, ...]
    first: Reply
    """The first valid reply."""

    framework: str = ""
    """What answers, as far as it shows: `MLServer`, `BentoML`, `MLflow`, `FastAPI`, `Flask`, or ''."""

    quick: bool = False
    budget: Budget = FULL
    declared: Declared = field(default_factory=Declared)

    def post(self, value: Any, *, fresh: bool = True, timeout: float | None = None) -> Reply:
        """Return the reply to a payload, sent as JSON."""
        return self.post_raw(encode(value), fresh=fresh, timeout=timeout)

    def post_raw(
        self,
        body: bytes,
        content_type: str = JSON,
        *,
        headers: Mapping[str, str] | None = None,
        fresh: bool = True,
        anonymous: bool = False,
        timeout: float | None = None,
    ) -> Reply:
        """Return the reply to exactly these bytes; without a Content-Type where `content_type` is empty."""
        sent = {**({"Content-Type": content_type} if content_type else {}), **(headers or {})}
        return self.client.send(
            "POST", self.path, body=body, headers=sent, fresh=fresh, anonymous=anonymous, timeout=timeout
        )

    def get(self, path: str, *, method: str = "GET", **options: Any) -> Reply:
        """Return the reply to a request without a body."""
        return self.client.send(method, path, **options)

    def row(self) -> Row:
        """Return a copy of the one row of the seed."""
        return deepcopy(self.shape.read(self.seed))

    def with_row(self, row: Row) -> Any:
        """Return the payload with this row."""
        return self.shape.write(self.seed, [row])

    def with_rows(self, rows: Sequence[Row]) -> Any:
        """Return a payload of several rows, None where the shape takes one only."""
        return self.shape.write(self.seed, rows) if self.shape.batches else None

    def with_value(self, name: str, value: Any) -> Any:
        """Return the payload with another value in one field."""
        return self.with_row({**self.row(), name: value})

    def without(self, name: str) -> Any:
        """Return the payload without one field."""
        return self.with_row({known: value for known, value in self.row().items() if known != name})

    def spliced(self, name: str, raw_json: str | bytes) -> bytes:
        """Return the payload's bytes with this raw text as the value of one field: NaN, 1e400, what is no JSON."""
        raw = raw_json.encode("utf-8", "surrogatepass") if isinstance(raw_json, str) else raw_json
        return encode(self.with_value(name, _MARK)).replace(encode(_MARK), raw)

    def field(self, name: str) -> Field:
        """Return a field by its name."""
        return next(field for field in self.fields if field.name == name)

    def sample(self, *kinds: Kind) -> tuple[Field, ...]:
        """Return at most `budget.fields` fields of these kinds (of all, where none is named), spread over the row."""
        fitting = [field for field in self.fields if not kinds or field.kind in kinds]
        return tuple(spread(fitting, self.budget.fields))

    def answer(self, reply: Reply) -> Answer | None:
        """Return what an answer says, None where it is none."""
        return read_answer(reply.json()) if reply.accepted else None

    def stable(self, reply: Reply) -> Any:
        """Return what of an answer should be the same for the same request: no ids, moments and durations."""
        value = reply.json()
        return reply.text if value is None else without_changing(value)

    def names_field(self, reply: Reply, name: str) -> bool:
        """Whether an answer names a field, other than by repeating the input.

        A field without a name of its own (a position in a list) counts as named by its number.
        """
        value = reply.json()
        text = reply.text if value is None else json.dumps(_without_echo(value), ensure_ascii=False)
        return re.search(rf"(?<![\w]){re.escape(name)}(?![\w])", text) is not None


def spread(items: Sequence[Item], most: int) -> list[Item]:
    """Return at most so many items, evenly over the list.

    >>> spread("abcdefgh", 3)
    ['a', 'c', 'f']
    """
    most = min(most, len(items))
    return [items[position * len(items) // most] for position in range(most)]


def encode(value: Any) -> bytes:
    """Return a value as compact JSON."""
    return json.dumps(value, separators=(",", ":")).encode()


def _without_echo(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_echo(item) for name, item in value.items() if name not in _ECHOES}
    return [_without_echo(item) for item in value] if isinstance(value, list) else value
