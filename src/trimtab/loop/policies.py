"""What a replay may follow: the policies by name, and what each one does at the end of a batch.

governed        the project's own triggers, trim, policy and gates
switch          the same triggers, but exactly one Version answers, replaced on evidence only
never           the first Version, untouched
always          at the end of every batch a refit on all that is known, promoted without a question
always:recent   the same on the newest rows: as many as the first fit had, or eight batches
every:K         the same as always, at the end of every K-th batch
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from trimtab.errors import UsageError, nearest
from trimtab.loop import challenge
from trimtab.loop.known import AsOf, load_labelled
from trimtab.loop.state import Wheel
from trimtab.loop.tick import govern
from trimtab.nouns import Finding
from trimtab.nouns.project import TrimSpec

POLICIES = ("governed", "never", "always")
KNOWN = ("governed", "switch", "never", "always", "always:recent", "every:12")
LEAST_GROWTH = 1.01
PLAIN = TrimSpec(versions=1, recalibrate=False)


@dataclass(frozen=True, slots=True)
class Policy:
    """A policy by its name. `step` is after how many batches it refits by itself; 0: never, or where the turn decides.

    `offset` brings the first retrain forward by so many batches.
    """

    name: str
    step: int = 0
    offset: int = 0

    @property
    def governs(self) -> bool:
        """Whether the project's own turn decides."""
        return self.name in {"governed", "switch"}

    def settle(self, wheel: Wheel) -> Wheel:
        """Return the wheel as this policy turns it."""
        project = wheel.project
        if self.name == "switch":
            project = replace(project, trim=PLAIN, promote=replace(project.promote, style="switch"))
        return replace(wheel, project=project)

    def act(self, turned: Wheel, at: AsOf, *, number: int, rows: int) -> Sequence[Finding]:
        """Do what the policy does at the end of batch `number`, the first being 1; return what was found, if it looks.

        `rows` are those of the batch.
        """
        if self.governs:
            measured = govern(self._bring_forward(turned, rows), at, tell=say_nothing)[0]
            return (*measured.findings, *measured.watched.findings)
        if self.step and (number + self.offset) % self.step == 0:
            known = load_labelled(turned, at)
            if self.name == "always:recent":
                newest = max(turned.catalog.versions()[0].snapshot.rows, challenge.RECENT_WINDOWS * rows)
                turned = challenge.on_newest(turned, newest)
            challenge.replace_now(turned, known, by=f"policy:{self.name}", tell=say_nothing)
        return ()

    def _bring_forward(self, turned: Wheel, rows: int) -> Wheel:
        """Return the wheel with a shorter first period, by windows and by growth, until there was a retrain."""
        if not self.offset or any(one.action == "retrain" for one in turned.catalog.journal()):
            return turned
        project, first = turned.project, turned.catalog.versions()[0].snapshot.rows
        retrain = replace(project.retrain, every=max(1.0, project.retrain.every - self.offset))
        growth = max(LEAST_GROWTH, project.triggers.growth - self.offset * rows / first)
        return replace(
            turned, project=replace(project, retrain=retrain, triggers=replace(project.triggers, growth=growth))
        )


def read_policy(name: str, offset: int = 0) -> Policy:
    """Return the policy of a name. Raises UsageError for an unknown one."""
    kind, _, number = name.partition(":")
    if kind == "every" and number.isdecimal() and int(number):
        return Policy(name, int(number), offset)
    if name not in KNOWN:
        hint = f"there are {', '.join(KNOWN[:-1])} and every:K, for example every:12"
        raise UsageError(f"There is no policy '{name[:40]}'{nearest(name, KNOWN)}.", hint=hint)
    return Policy(name, 1 if kind == "always" else 0, offset)


def say_nothing(_: str) -> None:
    """In a replay the line of its batch is enough."""
