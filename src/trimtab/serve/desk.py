"""What one serving worker holds in its hands while it answers."""

from dataclasses import dataclass, field

from trimtab import events
from trimtab.errors import HostError
from trimtab.nouns import Contract, Project
from trimtab.serve.answer import Breaker
from trimtab.serve.explain import Explainer
from trimtab.serve.keeper import Commit, Keeper
from trimtab.serve.ladder import Problem
from trimtab.serve.limits import Lane
from trimtab.serve.meters import Meters, Pages
from trimtab.serve.model import Live
from trimtab.serve.repeats import Repeats
from trimtab.store import open_claims
from trimtab.store.claims import Claims
from trimtab.store.index import Index
from trimtab.store.spool import Spool


@dataclass(slots=True)
class Desk:
    """The project, the log, and what answers now.

    `live` is replaced whole at each new epoch, on the event loop, and is None while nothing is promoted or nothing
    promoted loads. `troubles` are sentences by name: each makes readiness say `degraded`. `contract` is the folder's
    own, for the docs while nothing is live.
    """

    project: Project
    spool: Spool
    index: Index
    worker: str = "w0"
    live: Live | None = None
    contract: Contract | None = None
    stopping: bool = False
    asking_lake: int = 0
    troubles: dict[str, str] = field(default_factory=dict)
    meters: Meters = field(default_factory=Meters)
    breaker: Breaker = field(default_factory=Breaker)
    explainer: Explainer = field(default_factory=Explainer)
    lane: Lane = field(init=False)
    keeper: Keeper = field(init=False)
    pages: Pages = field(init=False)
    claims: Claims = field(init=False)
    repeats: Repeats = field(init=False)

    def __post_init__(self) -> None:
        self.lane = Lane(self.project.serve.limits.queue)
        self.keeper = Keeper(self.spool)
        self.pages = Pages(self.project.state / "run", self.worker)
        self.claims = open_claims(self.project)
        self.repeats = Repeats(self.claims, self.spool, self.index)

    def now_live(self) -> Live:
        """Return what answers now. Raises Problem no_model, or not_loaded where the promoted one cannot be opened."""
        if self.live is not None:
            return self.live
        if self.is_broken:
            raise Problem("not_loaded", "Run `trimtab train`, which makes it anew, or restore its files from a copy.")
        raise Problem("no_model", "Run `trimtab train`; the first Version is promoted by itself.")

    @property
    def is_broken(self) -> bool:
        """Whether nothing answers although something is promoted: its files do not load, and none before it does."""
        return self.live is None and "version" in self.troubles

    def show(self, live: Live) -> None:
        """Let a new epoch answer from the next request on. Called on the event loop, between two requests."""
        live.warm()
        self.live = live
        self.breaker = Breaker()
        self.meters.show_version(self.project.name, live.model.name, live.epoch)

    def page(self) -> str:
        """Return this worker's figures as they are now."""
        records, oldest = self.spool.depth()
        self.meters.spool_records.set(records)
        self.meters.spool_oldest.set(oldest)
        return self.meters.page()

    def report(self, name: str, sentence: str, reason: str = "") -> None:
        """Note a trouble under a name, and tell of it once, in the words of the first; `repair` takes it back."""
        if name not in self.troubles:
            events.tell("trouble", what=name, sentence=sentence, reason=reason)
            self.troubles[name] = sentence

    def repair(self, name: str) -> None:
        """Take a trouble back."""
        self.troubles.pop(name, None)

    async def settle(self, commit: Commit, count: int) -> str:
        """Return `durable` after the commit, or `none` where the project allows an answer that is not kept.

        Raises Problem cannot_log with `log = "required"`.
        """
        error = await commit
        if error is None:
            self.repair("spool")
            return "durable"
        if not isinstance(error, HostError):
            raise error
        self.report("spool", "the last answer could not be kept in the spool", error.message)
        if self.project.serve.log == "required":
            raise Problem("cannot_log") from error
        self.meters.unlogged.inc(count)
        return "none"
