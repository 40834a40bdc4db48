"""The wheel's first half, read from top to bottom: ingest, check, keep, train."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Self

from trimtab.contract.check import Tally
from trimtab.contract.clean import Checked, compile_frame
from trimtab.contract.pii import require_key
from trimtab.errors import DataError, Mistake, TrimtabError
from trimtab.ingest import declare, open_source
from trimtab.loop import challenge
from trimtab.loop.gather import Kept, keep_raw
from trimtab.loop.known import resolve
from trimtab.loop.mirror import mirror
from trimtab.loop.outcomes import SourceRead, keep_source_outcomes
from trimtab.loop.refine import keep_clean
from trimtab.loop.state import Wheel
from trimtab.nouns import Decision, SourceSpec, Version
from trimtab.train.fit import Choice

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Ingested:
    """What became of the rows read: rows_in = accepted + quarantined + rejected, exactly.

    Quarantined rows broke a rule of the Contract; rejected lines could not be read as a row. Both are kept. Outcomes of
    a source are counted apart, `refused` are rows that are none. `failures` are sources that could not be read at all;
    the others were. `detail` is what `check` found by column and by example.
    """

    accepted: int = 0
    quarantined: int = 0
    rejected: int = 0
    reasons: Mapping[str, int] = field(default_factory=dict)
    sources: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    sentences: tuple[str, ...] = ()
    failures: tuple[Mistake, ...] = ()
    detail: Mapping[str, object] = field(default_factory=dict)
    outcomes: int = 0
    refused: int = 0

    @classmethod
    def of(
        cls,
        totals: Counter[str],
        reasons: Counter[str],
        sources: Mapping[str, Mapping[str, int]],
        sentences: tuple[str, ...] = (),
    ) -> Self:
        """Return the account of some totals; reasons come with the most frequent first."""
        kept = totals["accepted"], totals["quarantined"], totals["rejected"]
        return cls(*kept, dict(reasons.most_common()), sources, sentences)

    @property
    def rows_in(self) -> int:
        """Rows and lines read."""
        return self.accepted + self.quarantined + self.rejected

    @property
    def all_good(self) -> bool:
        """Whether nothing that was read was kept back."""
        return not (self.quarantined or self.rejected or self.refused)


@dataclass(frozen=True, slots=True)
class Trained:
    """A new Version, why this family, and what was decided about it; `mirrored` is what an MLflow server was told."""

    version: Version
    choice: Choice
    decision: Decision
    rows: int
    mirrored: str = ""

    @property
    def promoted(self) -> bool:
        """Whether it answers now."""
        return self.decision.action == "promote"


def ingest(wheel: Wheel, *, tell: Tell, role: str = "") -> Ingested:
    """Read every source (or those of one role) since its last position; rows become clean or quarantined.

    The position travels in the commit that holds the rows, so a crash at any point skips nothing and repeats nothing.
    """
    with wheel.turn("ingest"):
        done, errors = _read(wheel, tell=tell, role=role)
    if len(errors) == 1:
        raise errors[0]
    if errors:
        raise DataError(f"{len(errors)} sources could not be read; the others were.", mistakes=done.failures)
    return done


def read_sources(wheel: Wheel, *, tell: Tell) -> Ingested:
    """Do the work of `ingest` for a turn that goes on with what could be read; see `failures` for what could not."""
    return _read(wheel, tell=tell, role="")[0]


def _read(wheel: Wheel, *, tell: Tell, role: str) -> tuple[Ingested, Sequence[TrimtabError]]:
    require_key(wheel.contract)
    sources = wheel.project.sources
    account = _Account({spec.name: Counter(read=0, rejected=0) for spec in sources})
    for spec in (spec for spec in sources if role in {"", spec.role}):
        with account.note_error(f"sources.{spec.name}"):
            account.add_raw(spec, keep_raw(wheel, spec, tell=tell))
    for spec in (spec for spec in sources if spec.role == "outcomes" and role != "rows"):
        with account.note_error(f"sources.{spec.name}"):
            account.add_outcomes(spec, keep_source_outcomes(wheel, spec, tell=tell))
    with account.note_error("pipeline" if wheel.project.pipeline.file else "contract"):
        account.add_clean(keep_clean(wheel, tell=tell))
    return account.total({spec.name for spec in sources if spec.role == "outcomes"}), tuple(account.errors.values())


@dataclass(slots=True)
class _Account:
    """What became of the rows that a turn reads, by source; what a source gave before it failed counts too."""

    counts: dict[str, Counter[str]]
    reasons: Counter[str] = field(default_factory=Counter)
    notes: list[str] = field(default_factory=list)
    errors: dict[str, TrimtabError] = field(default_factory=dict)

    @contextmanager
    def note_error(self, where: str) -> Iterator[None]:
        """Keep the first error of a place; the work goes on at the next one."""
        try:
            yield
        except TrimtabError as error:
            self.errors.setdefault(where, error)

    def add_raw(self, spec: SourceSpec, batches: Iterable[Kept]) -> None:
        """Count rows and lines as they are kept."""
        for kept in batches:
            self.notes += kept.notes
            self.reasons.update(f"line:{line.reason}" for line in kept.rejected)
            self.counts[spec.name].update(read=kept.rows, rejected=len(kept.rejected))

    def add_outcomes(self, spec: SourceSpec, known: SourceRead) -> None:
        """Count the Outcomes of a source, and its rows that are none."""
        self.reasons.update(known.refused)
        self.counts[spec.name].update(accepted=known.outcomes, rejected=len(known.refused))

    def add_clean(self, slices: Iterable[tuple[str, Checked]]) -> None:
        """Count clean and quarantined rows; those that a pipeline made are no source's."""
        for name, checked in slices:
            own = self.counts.setdefault(name, Counter())
            own.update(accepted=checked.clean.height, quarantined=checked.quarantine.height)
            self.reasons.update(checked.counts)

    def total(self, outcomes: AbstractSet[str]) -> Ingested:
        """Return the whole account; the sources named give Outcomes, not rows."""
        rows = sum((own for name, own in self.counts.items() if name not in outcomes), Counter[str]())
        known = sum((own for name, own in self.counts.items() if name in outcomes), Counter[str]())
        sources = {name: dict(own) for name, own in self.counts.items()}
        notes = tuple(f"{note.rstrip('.')}." for note in self.notes)
        failures = tuple(
            Mistake(where, " ".join([error.message, *map(str, error.mistakes)])) for where, error in self.errors.items()
        )
        done = Ingested.of(rows, self.reasons, sources, notes)
        return replace(done, failures=failures, outcomes=known["accepted"], refused=known["rejected"])


def check(wheel: Wheel, path: Path) -> Ingested:
    """Say how a file's rows would fare under the Contract; nothing is kept."""
    spec = form_of(wheel, path)
    frame_contract = compile_frame(wheel.contract, text=spec.is_text)
    tally, rejected = Tally(), Counter[str]()
    expected = {*(column.name for column in wheel.contract.columns), wheel.contract.target.column}
    for chunk in open_source(spec, finished=True, expected=expected).read(None):
        tally.add(frame_contract.apply(chunk.frame))
        rejected.update(f"line:{line.reason}" for line in chunk.rejected)
    lines = sum(rejected.values())
    if not tally.rows + lines:
        raise DataError(f"{path} has no rows.", hint="name a file with rows")
    totals = Counter(accepted=tally.clean, quarantined=tally.rows - tally.clean, rejected=lines)
    told = Ingested.of(totals, tally.reasons + rejected, {}, tally.report(wheel.contract))
    return replace(told, detail=tally.facts(wheel.contract))


def form_of(wheel: Wheel, path: Path) -> SourceSpec:
    """Return how a file is read: like the project's source of files, or, in another format, as the file says."""
    spec = declare(path, known=wheel.project.sources)
    same = (own for own in wheel.project.sources if own.kind == "files" and own.format == spec.format)
    return replace(next(same, spec), path=path, pattern="*")


def train(wheel: Wheel, *, tell: Tell) -> Trained:
    """Compare the families on the labelled rows known now, keep the chosen one as a Version, and decide about it.

    The first Version is promoted by rule `first`; a later one is compared with the champion where rows exist that
    neither saw, and only proposed. Raises DataError when there are too few rows.
    """
    with wheel.turn("train"):
        if wheel.lake.version(wheel.clean) < 0:
            _, errors = _read(wheel, tell=tell, role="")
            if errors:
                raise errors[0]
        newcomer, decision = challenge.train_newcomer(wheel, resolve(wheel, None), tell=tell)
    return Trained(newcomer.version, newcomer.choice, decision, newcomer.rows.height, mirror(wheel))
