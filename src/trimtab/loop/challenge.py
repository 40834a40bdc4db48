"""A newcomer: fitted, measured beside the champion on rows that neither saw, judged, and then decided about."""

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from math import ceil
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import polars as pl
from numpy.typing import NDArray

from trimtab import clock
from trimtab.errors import TrimtabError
from trimtab.evaluate.verdict import compare
from trimtab.loop.known import AsOf, Labelled
from trimtab.loop.state import Wheel
from trimtab.metrics import bounded_losses
from trimtab.nouns import Contract, Decision, Evidence, Member, Snapshot, Span, State, Trim, Verdict, Version
from trimtab.promote import decide, first, gates
from trimtab.promote.gates.golden import Golden
from trimtab.train.artefact import Package, open_version
from trimtab.train.fit import Choice, choose, fit
from trimtab.train.golden import try_version

Numbers = NDArray[np.float64]
Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Paired:
    """The comparison rows: labels, and what each of the two answers on them."""

    labels: Numbers
    champion: Numbers
    challenger: Numbers


def within_window(rows: pl.DataFrame, window: Span | None, now: datetime) -> pl.DataFrame:
    """Return the rows that `[train] window` lets a fit see: all, the last so many, or the last stretch of time."""
    if isinstance(window, int):
        return rows.tail(window)
    if isinstance(window, timedelta):
        return rows.filter(pl.col("_event_at").fill_null(pl.col("_arrived_at")) >= now - window)
    return rows


def keep_version(wheel: Wheel, rows: pl.DataFrame, snapshot: Snapshot, choice: Choice) -> Version:
    """Fit the chosen recipe on all the rows, keep the files, and return the numbered Version."""
    staged = wheel.blobs.stage()
    identity = fit(rows, wheel.contract, wheel.project, choice, staged)
    wheel.blobs.keep(staged, identity)
    metrics = {name: asdict(interval) for name, interval in choice.metrics.items()}
    version = Version(
        id=identity,
        number=0,
        family=choice.chosen,
        recipe=choice.recipe,
        contract=wheel.contract.id,
        snapshot=snapshot,
        metrics={**metrics, "risk": asdict(choice.risk)},
        made_at=clock.now(),
    )
    return wheel.catalog.add_version(version)


def promote_first(wheel: Wheel, version: Version, choice: Choice, at: AsOf) -> Decision:
    """Decide by rule `first`: the first Version answers if its golden rows do."""
    golden = Golden().judge(Evidence(golden=try_version(wheel.blobs.path(version.id))))
    decision = first(version.name, golden, at=clock.now(), as_of=at.rows, warnings=choice.warnings)
    return _record(wheel, decision, version)


def propose(wheel: Wheel, version: Version, rows: pl.DataFrame, choice: Choice, at: AsOf) -> Decision:
    """Judge a Version that a person trained; it is refused or admitted, and promoted only by hand."""
    verdict, champion = judge(wheel, version, rows, choice)
    moment = clock.now()
    if verdict.state is State.FAIL:
        return _record(wheel, decide(verdict, at=moment, as_of=at.rows, by="propose"), version)
    said = tuple(reason for gate in verdict.gates for reason in gate.reasons)
    opening = f"{version.name} is proposed beside {champion.name}; `trimtab promote {version.name}` lets it answer"
    decision = Decision("admit", "propose", (opening, *said), moment, at.rows, verdict=verdict)
    return _record(wheel, decision, version)


def retrain(wheel: Wheel, known: Labelled, *, tell: Tell) -> Decision:
    """Refit the champion's recipe on all the labelled rows, judge it, and let the rule `switch` decide."""
    standing = wheel.champion()
    if standing is None:
        raise TrimtabError("There is no champion whose recipe could be refitted.", hint="run `trimtab train`")
    champion = standing[1]
    as_of = known.snapshot.as_of
    rows = within_window(known.rows, wheel.project.train.window, as_of)
    tell(f"retraining {champion.family} on {rows.height:,} labelled rows")
    choice = choose(rows, wheel.contract, wheel.project, recipe=champion.recipe, tell=tell)
    version = keep_version(wheel, rows, known.snapshot, choice)
    if version.id == champion.id:
        said = f"{champion.name} is kept: fitted again on what is known now, the same model came out."
        return wheel.catalog.decide(Decision("keep", "switch", (said,), clock.now(), as_of, version=champion.id))
    verdict, _ = judge(wheel, version, rows, choice)
    return _record(wheel, decide(verdict, at=clock.now(), as_of=as_of), version)


def judge(wheel: Wheel, version: Version, rows: pl.DataFrame, choice: Choice) -> tuple[Verdict, Version]:
    """Return the Verdict on a Version against the champion, and that champion.

    The Version was fitted on all rows, so it cannot be judged on any of them: a twin fitted without the newest rows is
    judged in its place, on those of the newest rows that the champion did not see either.
    """
    standing = wheel.champion()
    if standing is None:
        raise TrimtabError("There is no champion to compare with.", hint="run `trimtab train`")
    champion = standing[1]
    paired = answer_both(wheel, champion, rows, choice)
    task = wheel.contract.target.task
    evidence = Evidence(
        champion_losses=bounded_losses(task, paired.labels, paired.champion, choice.scale).tolist(),
        challenger_losses=bounded_losses(task, paired.labels, paired.challenger, choice.scale).tolist(),
        golden=try_version(wheel.blobs.path(version.id)),
    )
    verdict = compare(
        version.name,
        champion.name,
        paired.labels,
        paired.challenger,
        paired.champion,
        task,
        choice.scale,
        gates.judge(wheel.project, evidence),
    )
    return verdict, champion


def answer_both(wheel: Wheel, champion: Version, rows: pl.DataFrame, choice: Choice) -> Paired:
    """Return the labels and both answers on the newest rows that neither the champion nor the twin was fitted on."""
    held = ceil(rows.height * wheel.project.gates.holdout)
    newest = rows.tail(held).filter(pl.col("_known_at") > champion.snapshot.as_of)
    contract = wheel.contract
    if not newest.height:
        none = np.empty(0)
        return Paired(none, none, none)
    with TemporaryDirectory(dir=wheel.project.state) as folder:
        twin = _fit_twin(wheel, rows.head(rows.height - held), choice, Path(folder) / "twin")
        challenger = twin.predict(newest)
        twin.close()
    return Paired(labels_of(newest["_label"], contract), wheel.package(champion.id).predict(newest), challenger)


def _fit_twin(wheel: Wheel, rows: pl.DataFrame, choice: Choice, folder: Path) -> Package:
    folder.mkdir()
    identity = fit(rows, wheel.contract, wheel.project, choice, folder)
    return open_version(folder, expect=identity)


def labels_of(labels: pl.Series, contract: Contract) -> Numbers:
    """Return labels as metrics take them: 1 for the positive class, the index of the class, or the number itself."""
    target = contract.target
    if target.task == "regression":
        return labels.cast(pl.Float64).to_numpy()
    if target.task == "binary":
        return (labels == target.positive).cast(pl.Float64).to_numpy()
    places = {name: float(place) for place, name in enumerate(target.classes)}
    return labels.replace_strict(places, default=None, return_dtype=pl.Float64).to_numpy()


def _record(wheel: Wheel, decision: Decision, version: Version) -> Decision:
    """Journal the Decision; a promotion changes the Trim in the same transaction."""
    if decision.action != "promote":
        named = version.id if decision.action in {"admit", "refuse"} else decision.version
        standing = wheel.champion()
        kept = standing[1].id if standing and decision.action == "keep" else named
        return wheel.catalog.decide(replace(decision, version=kept))
    trim = wheel.catalog.trim()
    epoch = trim.epoch + 1 if trim else 1
    threshold = wheel.package(version.id).threshold
    return wheel.catalog.decide(
        replace(decision, version=version.id, epoch=epoch), Trim(epoch, (Member(version.id),), threshold)
    )
