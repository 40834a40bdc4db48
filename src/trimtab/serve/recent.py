"""The last Outcome of each subject that is in the spool and not yet in the index."""

from collections import OrderedDict
from collections.abc import Iterable

REMEMBERED = 200_000


class RecentOutcomes:
    """Values by subject, the newest 200,000: enough to tell a repeat from a correction before the loop forwards them.

    A subject is a prediction id, or "key:" and a row's key, as in `store.index`.
    """

    def __init__(self, limit: int = REMEMBERED) -> None:
        self._limit = limit
        self._values: OrderedDict[str, str] = OrderedDict()

    def last(self, subject: str) -> str | None:
        """Return the newest value, or None."""
        return self._values.get(subject)

    def recall(self, subject: str, value: str) -> None:
        """Remember a value from before the start, unless a newer one has come since."""
        newer = self._values.get(subject)
        self.add([(subject, value if newer is None else newer)])

    def add(self, outcomes: Iterable[tuple[str, str]]) -> None:
        """Remember values by subject, and forget the oldest ones where there are too many."""
        for subject, value in outcomes:
            self._values[subject] = value
            self._values.move_to_end(subject)
        while len(self._values) > self._limit:
            self._values.popitem(last=False)
