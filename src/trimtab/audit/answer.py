"""What an answer says: its prediction and probabilities, and what of it should be the same next time."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

Path = tuple[str, ...]

_WORDS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+")
_PREDICTION = {
    "prediction", "predictions", "predicted", "predict", "label", "labels", "class", "classes", "output", "outputs",
    "result", "results", "score", "forecast", "value", "y", "yhat", "outcome", "target", "data",
}  # fmt: skip
_PROBABILITY = {"probability", "probabilities", "prob", "probs", "proba", "probas", "confidence", "confidences"}
_META = {"name", "datatype", "shape", "model", "model_name", "version", "model_version", "status"}
_CHANGING = {"id", "uuid", "timestamp", "latency", "elapsed", "ms", "us", "duration", "took", "ts", "trace"}
_WHOLE = {"time", "date", "created", "now", "server_time", "request", "created_at", "predicted_at", "processing_time"}
_UUID = re.compile(r"[0-9a-fA-F]{8}-?(?:[0-9a-fA-F]{4}-?){3}[0-9a-fA-F]{12}\Z")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d")


@dataclass(frozen=True, slots=True)
class Answer:
    """What one answer says about its first row.

    `prediction` is a text, number or truth value; `probabilities` are all numbers that the answer calls so, by path.
    """

    prediction: Any
    probabilities: dict[Path, float]

    @property
    def said(self) -> tuple[Any, ...]:
        """Return all that the model said, to be compared."""
        return (self.prediction, *self.probabilities.values())


def read_answer(value: Any) -> Answer | None:
    """Return what an answer says, None where nothing in it looks like a prediction."""
    found = list(leaves(without_changing(value)))
    likely = {path: leaf for path, leaf in found if _about(path) & _PROBABILITY and _is_number(leaf)}
    rest = [(path, leaf) for path, leaf in found if path not in likely and not _is_meta(path)]
    close = [leaf for path, leaf in rest if _about(_own(path)) & _PREDICTION or not _own(path)]
    named = close or [leaf for path, leaf in rest if _about(path) & _PREDICTION]
    numbers = {path: float(leaf) for path, leaf in likely.items()}
    if named:
        return Answer(named[0], numbers)
    if numbers:
        return Answer(next(iter(numbers.values())), numbers)
    return Answer(rest[0][1], {}) if rest else None


def without_changing(value: Any) -> Any:
    """Return an answer without what differs from one time to the next by its nature: ids, moments, durations."""
    kept = _keep(value)
    return kept if any(True for _ in leaves(kept)) else value


def _keep(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _keep(item) for name, item in value.items() if not _changes(str(name), item)}
    return [_keep(item) for item in value] if isinstance(value, list) else value


def _changes(name: str, item: Any) -> bool:
    words = split_words(name)
    if "_".join(words) in _WHOLE or (words and words[-1] in _CHANGING) or set(words) & {"latency", "elapsed"}:
        return True
    return isinstance(item, str) and bool(_UUID.match(item) or _MOMENT.match(item))


def split_words(name: str) -> list[str]:
    """Return the words of a name, lower case.

    >>> split_words("predictedClass_id")
    ['predicted', 'class', 'id']
    """
    return [word.lower() for word in _WORDS.findall(name)]


def _is_meta(path: Path) -> bool:
    return bool(_META & {*path[-1:]}) or "shape" in path[-2:]


def _own(path: Path) -> Path:
    """Return the name that a value has itself: the last step that is no position, () where all are."""
    return tuple(step for step in path if not step.isdigit())[-1:]


def _about(path: Path) -> set[str]:
    return {word for step in path for word in split_words(step)}


def leaves(value: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Yield every scalar of a JSON value that is not null, with its path."""
    if isinstance(value, dict | list):
        for name, item in value.items() if isinstance(value, dict) else enumerate(value):
            yield from leaves(item, (*path, str(name)))
    elif value is not None:
        yield path, value


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
