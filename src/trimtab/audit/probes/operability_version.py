"""Which model it was."""

import re
from collections.abc import Iterator
from typing import Any

from trimtab.audit.answer import leaves, split_words
from trimtab.audit.client import Reply
from trimtab.audit.probe import About
from trimtab.audit.questions import find_routes
from trimtab.audit.result import Category, Result, Severity, State
from trimtab.audit.service import Service

_NAMES = {"model", "version", "info", "metadata"}
_USUAL = ("/model", "/version", "/info", "/metadata")
_DATE = re.compile(r"(19|20)\d\d-?[01]\d-?[0-3]\d")
_TRAINED = {"trained", "training", "fitted", "train"}


class ModelVersion:
    """The model's version and its day of training, in an answer, a header, or at a route that reads.

    WARN where one of the two is missing, FAIL where both are.
    """

    about = About(
        id="operability.version",
        number=33,
        category=Category.OPERABILITY,
        severity=Severity.MUST,
        weight=3,
        title="Each answer can be traced to a model and its training",
        why="After a bad week nobody can say which model answered, or how old it is.",
        mend="Store both beside the model file, add `model_version` to the answer, and `trained_at` to GET /model.",
    )

    def run(self, service: Service) -> Result:
        """Look at the answer first, then at the routes."""
        version = trained = ""
        source = service.first
        for reply in self._places(service):
            told = list(_told(reply))
            version = version or next((f"{name} {value}" for name, value in told if _is_version(name)), "")
            trained = trained or next(
                (f"{name} {value}" for name, value in told if _is_training(reply, name, value)), ""
            )
            source = reply if version or trained else source
            if version and trained:
                return Result(State.PASS, f"{version}; {trained}", source.exchange)
        if version:
            return Result(State.WARN, f"{version}; not when it was trained", source.exchange)
        if trained:
            return Result(State.WARN, f"{trained}; not its version", source.exchange)
        return Result(State.FAIL, "neither the answer nor a route tells the model's version", source.exchange)

    def _places(self, service: Service) -> Iterator[Reply]:
        yield service.first
        named = re.match(r".*/v2/models/[^/]+", service.path)
        usual = (named.group(),) if named else _USUAL[: 2 if service.quick else 4]
        yield from find_routes(service, _NAMES, usual)


def _told(reply: Reply) -> Iterator[tuple[str, Any]]:
    yield from ((name, value) for name, value in reply.headers.items() if "model" in name or "version" in name)
    yield from ((".".join(path), value) for path, value in leaves(reply.json()))


def _is_version(name: str) -> bool:
    """Whether a name means the model's version."""
    words = set(split_words(name.rpartition(".")[2]))
    whole = set(split_words(name))
    return bool(
        words & {"version", "versions", "revision"} or ("model" in whole and words & {"id", "hash", "sha", "tag"})
    )


def _is_training(reply: Reply, name: str, value: Any) -> bool:
    words = set(split_words(name))
    dated = isinstance(value, int | float) or bool(_DATE.search(str(value)))
    about_model = reply.exchange.method == "GET" and words & {"created", "built", "fit"}
    return dated and bool(words & _TRAINED or about_model)
