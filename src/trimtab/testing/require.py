"""From judgements to a test that fails."""

from collections.abc import Iterable

from trimtab.errors import Mistake, Refused
from trimtab.nouns import Judgement
from trimtab.nouns.verdict import State


def require(judgements: Iterable[Judgement], *, cannot_tell: bool = True) -> None:
    """Return where nothing failed. Raises Refused with every reason against the part.

    `cannot_tell`: whether a rule that could not be tried is fine; False makes it a failure, too.
    """
    allowed = {State.PASS, State.CANNOT_TELL} if cannot_tell else {State.PASS}
    against = [one for one in judgements if one.state not in allowed]
    if against:
        mistakes = [Mistake(one.name, reason) for one in against for reason in one.reasons]
        raise Refused(f"{len(against)} rules are not kept:", mistakes=mistakes)
