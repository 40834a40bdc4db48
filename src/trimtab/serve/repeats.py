"""A client that asks again under its own id gets the first answer again, and nothing is logged twice."""

from collections import OrderedDict
from dataclasses import dataclass

from trimtab.serve.answer import Given
from trimtab.serve.keeper import Commit
from trimtab.serve.ladder import Problem

REMEMBERED = 10_000


@dataclass(frozen=True, slots=True)
class Kept:
    """An answer that was given under a client's id: the row it was for, its prediction id, and when it is durable."""

    raw: str
    prediction_id: str
    given: Given
    epoch: int
    commit: Commit


class Repeats:
    """The newest 10,000 answers of this worker by the client's own id; forgotten when the worker stops."""

    def __init__(self, limit: int = REMEMBERED) -> None:
        self._limit = limit
        self._kept: OrderedDict[str, Kept] = OrderedDict()

    def find(self, client_id: str | None, raw: str) -> Kept | None:
        """Return the answer that this id has got already, or None. Raises Problem id_reused for another row."""
        kept = self._kept.get(client_id) if client_id is not None else None
        if kept is None or (kept.commit.done() and kept.commit.result() is not None):
            return None
        if kept.raw != raw:
            raise Problem("id_reused", "Choose a new id for each new row.")
        return kept

    def keep(self, client_id: str, kept: Kept) -> None:
        """Remember an answer, and forget the oldest one where there are too many."""
        self._kept[client_id] = kept
        self._kept.move_to_end(client_id)
        while len(self._kept) > self._limit:
            self._kept.popitem(last=False)
