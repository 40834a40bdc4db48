"""The role of a check: it looks at a copy of the project and says what it found about one test."""

from collections.abc import Callable
from dataclasses import dataclass

from trimtab.audit.readiness.found import Found
from trimtab.audit.readiness.ground import Ground


@dataclass(frozen=True, slots=True)
class Check:
    """What decides a test, or a part of it.

    `does` is told while it runs. `run` may raise a TrimtabError, which says that it cannot tell; it never touches
    anything outside its ground.
    """

    test: str
    does: str
    run: Callable[[Ground], Found]
