"""Champion, previous and challenger, read off Trims and journal and never stored; and a Version by any of its names."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from trimtab.errors import UsageError, nearest
from trimtab.nouns import Decision, Trim, Version

_SETTLED = {"promote", "refuse", "retire"}
_SHORTEST = 4
_ABSENT = {
    "champion": "nothing was promoted yet",
    "previous": "no other Version has answered before the champion",
    "challenger": "no Version waits for a decision",
}


@dataclass(frozen=True, slots=True)
class Standings:
    """Ids of the Versions that stand out now; None where there is none."""

    champion: str | None = None
    previous: str | None = None
    challenger: str | None = None


def stand(versions: Sequence[Version], trims: Sequence[Trim], decisions: Sequence[Decision]) -> Standings:
    """Return the standings; all three arguments oldest first.

    previous     the champion before the present one
    challenger   the newest Version that neither answered nor was promoted, refused or retired
    """
    champions = [trim.champion for trim in trims]
    champion = champions[-1] if champions else None
    settled = {decision.version for decision in decisions if decision.action in _SETTLED}
    settled |= {member.version for trim in trims for member in trim.members}
    return Standings(
        champion=champion,
        previous=next((id_ for id_ in reversed(champions) if id_ != champion), None),
        challenger=next((version.id for version in reversed(versions) if version.id not in settled), None),
    )


def pick_version(ref: str, versions: Sequence[Version], read_standings: Callable[[], Standings]) -> Version:
    """Return the Version that `ref` names: an id or the beginning of one, `v7`, or a standing.

    Standings are only read where `ref` is one: they take the whole journal.

    Raises:
        UsageError: none, or more than one.
    """
    wanted = ref.strip().lower()
    if wanted in _ABSENT:
        id_ = getattr(read_standings(), wanted)
        found = [version for version in versions if version.id == id_]
    else:
        found = [version for version in versions if wanted in {version.id, version.name}] or [
            version for version in versions if len(wanted) >= _SHORTEST and version.id.startswith(wanted)
        ]
    if len(found) == 1:
        return found[0]
    raise UsageError(_explain(ref, found, versions), hint="`trimtab versions` lists them")


def _explain(ref: str, found: Sequence[Version], versions: Sequence[Version]) -> str:
    if found:
        return f"'{ref}' begins the ids of {len(found)} Versions: {', '.join(version.id for version in found)}."
    if not versions:
        return f"there is no Version '{ref}': nothing is trained yet."
    if ref.strip().lower() in _ABSENT:
        return f"there is no {ref.strip().lower()} Version: {_ABSENT[ref.strip().lower()]}."
    names = [*_ABSENT, *(version.name for version in versions), *(version.id for version in versions)]
    return f"there is no Version '{ref[:64]}'{nearest(ref, names) or '.'}"
