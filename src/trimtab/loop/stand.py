"""Promote and roll back by hand: a person's Decision, journalled like every other."""

from trimtab import clock
from trimtab.errors import Refused, UsageError
from trimtab.loop.state import Wheel
from trimtab.nouns import Decision, Member, Trim, Version
from trimtab.nouns.verdict import Action
from trimtab.train.golden import try_version


def promote(wheel: Wheel, ref: str, *, by: str) -> Decision:
    """Let a Version answer from the next epoch on; `ref` is v7, an id or a standing. Raises Refused if not able."""
    return _switch(wheel, wheel.catalog.find_version(ref), "promote", by, f"{by} promoted it by hand")


def rollback(wheel: Wheel, *, by: str) -> Decision:
    """Let the previous champion answer again."""
    if wheel.champion() is None:
        raise UsageError("Nothing was promoted yet.", hint="`trimtab train` makes and promotes the first Version")
    return _switch(wheel, wheel.catalog.find_version("previous"), "roll_back", by, f"{by} rolled back by hand")


def switch_plan(wheel: Wheel, ref: str) -> tuple[Version | None, Version]:
    """Return the champion and the Version that would replace it; nothing changes."""
    standing = wheel.champion()
    return (standing[1] if standing else None), wheel.catalog.find_version(ref)


def _switch(wheel: Wheel, version: Version, action: Action, by: str, reason: str) -> Decision:
    standing = wheel.champion()
    if standing and standing[1].id == version.id:
        raise UsageError(f"{version.name} is the champion already.", hint="`trimtab versions` lists the others")
    if wrong := try_version(wheel.blobs.path(version.id)):
        raise Refused(f"{version.name} does not answer its golden rows: {wrong}", hint="`trimtab versions --verify`")
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
