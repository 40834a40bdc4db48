"""Promote and roll back by hand: a person's Decision, journalled like every other."""

from collections.abc import Sequence
from dataclasses import replace

from trimtab import clock
from trimtab.errors import Refused, UsageError
from trimtab.loop.state import Wheel
from trimtab.loop.trimming import admit
from trimtab.nouns import Decision, Member, Trim, Version
from trimtab.nouns.verdict import Action
from trimtab.train.golden import try_version
from trimtab.trim.blend import Blend


def promote(wheel: Wheel, ref: str, *, by: str) -> Decision:
    """Let a Version answer from the next epoch on; `ref` is v7, an id or a standing. Raises Refused if not able."""
    version = wheel.catalog.find_version(ref)
    if _waits_for_person(wheel, version):
        return _let_in(wheel, version, by)
    return _switch(wheel, version, "promote", by, f"{by} promoted it by hand")


def _waits_for_person(wheel: Wheel, version: Version) -> bool:
    """Return whether the gates let a Version in and only a person's word is missing."""
    own = [decision for decision in wheel.catalog.journal() if decision.version == version.id]
    return bool(own) and own[-1].action == "admit" and own[-1].by == "blend"


def _let_in(wheel: Wheel, version: Version, by: str) -> Decision:
    """Let a Version take its seat in the layer, as it would have done without the question."""
    _refuse_unable(wheel, version)
    moment = clock.now()
    trim, states = admit(wheel, version.id, "", version.snapshot.as_of)
    said = f"{version.name} takes half of the weight of its predecessors, and earns the rest: {by} approved it"
    decision = Decision("promote", f"person:{by}", (said,), moment, moment, version=version.id, epoch=trim.epoch)
    return wheel.catalog.decide(decision, trim, states)


def rollback(wheel: Wheel, *, by: str) -> Decision:
    """Let the previous champion answer again."""
    if wheel.champion() is None:
        raise UsageError("Nothing was promoted yet.", hint="`trimtab train` makes and promotes the first Version")
    return _switch(wheel, wheel.catalog.find_version("previous"), "roll_back", by, f"{by} rolled back by hand")


def share(wheel: Wheel, members: Sequence[Member], *, by: str, threshold: float | None = None) -> Decision:
    """Let one to three Versions answer together from the next epoch on, each by its weight and calibration.

    `threshold` is the Trim's; None takes the champion's own. Raises UsageError for members that cannot answer together,
    Refused for a Version that does not answer its golden rows.
    """
    standing = wheel.champion()
    trim = Trim(standing[0].epoch + 1 if standing else 1, tuple(members), threshold)
    _refuse_odd_trim(wheel, trim)
    names = {id_: wheel.catalog.find_version(id_).name for id_ in {member.version for member in members}}
    said = ", ".join(f"{names[one.version]} at {one.weight:g}" for one in members)
    moment = clock.now()
    decision = Decision(
        action="trim",
        by=f"person:{by}",
        reasons=(f"{said} answer together from epoch {trim.epoch} on: {by} set their weights.",),
        at=moment,
        as_of=moment,
        version=trim.champion,
        epoch=trim.epoch,
    )
    own = wheel.package(trim.champion).threshold
    return wheel.catalog.decide(decision, trim if threshold is not None else replace(trim, threshold=own))


def _refuse_odd_trim(wheel: Wheel, trim: Trim) -> None:
    try:
        versions = Blend(wheel.contract.target.task, trim.members).versions
    except ValueError as error:
        raise UsageError(f"This is no Trim: {error}.", hint="give each Version a part of 1") from error
    champion = wheel.package(trim.champion)
    for version in map(wheel.catalog.find_version, versions):
        _refuse_unable(wheel, version)
        package = wheel.package(version.id)
        if (package.task, package.classes) != (champion.task, champion.classes):
            raise UsageError(f"{version.name} does not answer the same question as the champion.")


def switch_plan(wheel: Wheel, ref: str) -> tuple[Version | None, Version]:
    """Return the champion and the Version that would replace it; nothing changes."""
    standing = wheel.champion()
    return (standing[1] if standing else None), wheel.catalog.find_version(ref)


def _switch(wheel: Wheel, version: Version, action: Action, by: str, reason: str) -> Decision:
    standing = wheel.champion()
    if standing and standing[0].members == (Member(version.id),):
        raise UsageError(f"{version.name} is the champion already.", hint="`trimtab versions` lists the others")
    _refuse_unable(wheel, version)
    epoch = standing[0].epoch + 1 if standing else 1
    moment = clock.now()
    replaced = f" in place of {standing[1].name}" if standing else ""
    decision = Decision(
        action=action,
        by=f"person:{by}",
        reasons=(f"{version.name} answers from epoch {epoch} on{replaced}: {reason}.",),
        at=moment,
        as_of=moment,
        version=version.id,
        epoch=epoch,
    )
    trim = Trim(epoch, (Member(version.id),), wheel.package(version.id).threshold)
    return wheel.catalog.decide(decision, trim)


def _refuse_unable(wheel: Wheel, version: Version) -> None:
    if wrong := try_version(wheel.blobs.path(version.id)):
        raise Refused(f"{version.name} does not answer its golden rows: {wrong}", hint="`trimtab versions --verify`")
