"""A newcomer beside the champion: measured on rows that neither saw, judged by the gates, and decided about."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np
import polars as pl
from numpy.typing import NDArray

from trimtab import clock
from trimtab.errors import DataError, StoreError, VersionError
from trimtab.evaluate.verdict import compare
from trimtab.loop.known import AsOf, Labelled, answering_since, given_answers, labels_of, load_labelled
from trimtab.loop.newcomer import Newcomer, fit_newcomer
from trimtab.loop.savings import measure_saving
from trimtab.loop.state import Wheel
from trimtab.loop.trimming import admit
from trimtab.loop.tryout import try_out
from trimtab.metrics import bounded_losses
from trimtab.nouns import Decision, Evidence, Member, PairedSlice, Span, State, Trim, Verdict, Version
from trimtab.promote import decide, first, gates
from trimtab.promote.gates.golden import Golden
from trimtab.train.choice import tell_warnings
from trimtab.train.golden import try_version
from trimtab.train.promise import part_columns

Numbers = NDArray[np.float64]
Tell = Callable[[str], None]
RECENT_WINDOWS = 8
"""Windows that a fit on the recent rows sees at least."""


@dataclass(frozen=True, slots=True)
class Paired:
    """The comparison rows: their values and labels, and what each of the two answers on them."""

    rows: pl.DataFrame
    labels: Numbers
    champion: Numbers
    challenger: Numbers


def train_newcomer(wheel: Wheel, at: AsOf, *, tell: Tell) -> tuple[Newcomer, Decision]:
    """Choose and fit a Version on all labelled rows known at `at`; promote it if it is the first, else propose it.

    A proposed Version is judged like any other, and refused where a gate fails; it is promoted only by hand.
    """
    known = load_labelled(wheel, at)
    tell(f"{known.rows.height:,} labelled rows; families: {', '.join(wheel.project.train.families)}")
    newcomer = fit_newcomer(wheel, known, tell=tell)
    found = wheel.champion()
    if found is None:
        return newcomer, _promote_first(wheel, newcomer, at)
    if found[1].id == newcomer.version.id:
        return newcomer, _keep_same(wheel, found[1], at, "propose")
    if not _opens(wheel, found[1]):
        return newcomer, _repair(wheel, newcomer, found[1], at)
    return newcomer, _propose(wheel, newcomer, found[1], at)


def retrain(wheel: Wheel, known: Labelled, *, tell: Tell) -> Decision:
    """Refit the champion's recipe on all the labelled rows, judge it, and let the rule `switch` decide."""
    champion = find_standing(wheel)[1]
    at = AsOf(known.snapshot.as_of, known.snapshot.as_of)
    tell(f"retraining {champion.family} on {known.rows.height:,} labelled rows")
    newcomer = fit_newcomer(wheel, known, recipe=champion.recipe, tell=tell)
    if newcomer.version.id == champion.id:
        return _keep_same(wheel, champion, at, "switch")
    verdict = judge(wheel, newcomer, champion, newcomer.rows["_label"])
    style = wheel.project.promote.style
    decision = decide(verdict, at=clock.now(), as_of=at.rows, by=style)
    if wheel.project.gates.approval and decision.action == "promote":
        asked = f"{newcomer.version.name} passed, and waits for a person: `trimtab promote {newcomer.version.name}`"
        decision = replace(decision, action="admit", reasons=(asked, *decision.reasons[1:]))
    recent = _fit_recent(wheel, known, champion, tell=tell) if decision.action == "promote" else ""
    return _record(wheel, decision, newcomer.version, recent)


def _fit_recent(wheel: Wheel, known: Labelled, champion: Version, *, tell: Tell) -> str:
    """Return the id of the same recipe fitted on the recent window, "" where there is none: it only ever mixes in.

    The window is as long as the first fit's rows were many, or eight windows, whichever is more.
    """
    spec = wheel.project
    if spec.promote.style != "blend" or spec.trim.versions < 3:
        return ""
    first = wheel.catalog.versions()[0].snapshot.rows
    rows = max(first, RECENT_WINDOWS * _rows_of_a_window(known, spec.monitor.window))
    if rows >= known.rows.height:
        return ""
    return fit_newcomer(on_newest(wheel, rows), known, recipe=champion.recipe, tell=tell).version.id


def on_newest(wheel: Wheel, rows: int) -> Wheel:
    """Return the wheel with `[train] window` at so many rows: what is fitted with it sees the newest only."""
    return replace(wheel, project=replace(wheel.project, train=replace(wheel.project.train, window=rows)))


def _rows_of_a_window(known: Labelled, window: Span) -> int:
    if isinstance(window, int):
        return window
    events = known.rows["_event_at"].drop_nulls()
    if len(events) < 2:
        return 0
    start, end = events.min(), events.max()
    if not isinstance(start, datetime) or not isinstance(end, datetime):
        return 0
    return round(len(events) * (window / max(end - start, window)))


def replace_now(wheel: Wheel, known: Labelled, *, by: str, tell: Tell) -> Decision:
    """Refit the champion's recipe on all the labelled rows and promote it without a question: the plain baseline."""
    champion, as_of = find_standing(wheel)[1], known.snapshot.as_of
    version = fit_newcomer(wheel, known, recipe=champion.recipe, tell=tell).version
    wheel.catalog.decide(Decision("retrain", by, ("it refits always",), clock.now(), as_of, version=champion.id))
    said = f"{version.name} replaces {champion.name} without a question"
    return _record(wheel, Decision("promote", by, (said,), clock.now(), as_of), version)


def propose_shuffled(wheel: Wheel, at: AsOf, *, seed: int, by: str, tell: Tell) -> Decision:
    """Fit the champion's recipe on labels in random order and let the gates judge it: a drill that must be refused."""
    champion = find_standing(wheel)[1]
    known = load_labelled(wheel, at)
    shuffled = known.rows.with_columns(pl.col("_label").shuffle(seed))
    snapshot = replace(known.snapshot, fingerprint=f"{known.snapshot.fingerprint}-shuffled-{seed}")
    newcomer = fit_newcomer(wheel, Labelled(shuffled, snapshot), recipe=champion.recipe, tell=tell)
    truth = known.rows.tail(newcomer.rows.height)["_label"]
    verdict = judge(wheel, newcomer, champion, truth)
    decision = decide(verdict, at=clock.now(), as_of=at.rows, by=f"person:{by}")
    opening = f"{newcomer.version.name} was proposed by {by}: {champion.name}'s recipe, fitted on shuffled labels"
    return _record(wheel, replace(decision, reasons=(opening, *decision.reasons)), newcomer.version)


def find_standing(wheel: Wheel) -> tuple[Trim, Version]:
    """Return what answers now and its champion. Raises DataError before the first promotion."""
    found = wheel.champion()
    if found is None:
        raise DataError("Nothing was promoted yet.", hint="run `trimtab train`")
    return found


def judge(wheel: Wheel, newcomer: Newcomer, champion: Version, truth: pl.Series) -> Verdict:
    """Return the Verdict on a newcomer against the champion; `truth` are the labels of its rows.

    The Version was fitted on all rows, so it cannot be judged on any of them. What is judged is its recipe, as fitted
    without the newest rows while it was chosen, on those of these rows that the champion did not see either.
    """
    paired = answer_both(wheel, newcomer, champion, truth)
    task, scale = wheel.contract.target.task, newcomer.choice.scale
    folder, golden = wheel.blobs.path(newcomer.version.id), try_version(wheel.blobs.path(newcomer.version.id))
    losses = [bounded_losses(task, paired.labels, one, scale) for one in (paired.champion, paired.challenger)]
    package = None if golden else wheel.package(newcomer.version.id)
    tried = try_out(package, newcomer.rows, folder) if package else None
    base = np.array([package.base] * len(paired.labels)) if package else np.empty(0)
    evidence = Evidence(
        champion_losses=losses[0].tolist(),
        challenger_losses=losses[1].tolist(),
        base_losses=bounded_losses(task, paired.labels, base, scale).tolist() if len(base) else (),
        golden=golden,
        parity=tried.parity if tried else None,
        latency=tried.latency if tried else None,
        size=tried.size if tried else None,
        metrics=newcomer.choice.metrics,
        slices=_slice(wheel, paired.rows, *losses),
    )
    verdict = compare(
        newcomer.version.name,
        champion.name,
        paired.labels,
        paired.challenger,
        paired.champion,
        task,
        scale,
        gates.judge(wheel.project, evidence),
    )
    if package is None:
        return verdict
    by, told = find_standing(wheel)[0].threshold, paired.rows["_label"]
    saving = measure_saving(package, by, wheel.project.cost, told, paired.champion, paired.challenger)
    return replace(verdict, saving=saving)


def _slice(wheel: Wheel, rows: pl.DataFrame, champion: Numbers, challenger: Numbers) -> list[PairedSlice]:
    """Return both losses by each part of the protected columns, cut as the promise of a Version cuts them."""
    found = []
    for parting in part_columns(rows, wheel.contract, wheel.project.slices.protected):
        for code, part in enumerate(parting.names):
            own = parting.codes == code
            found.append(PairedSlice(f"{parting.column} {part}", champion[own].tolist(), challenger[own].tolist()))
    return found


def answer_both(wheel: Wheel, newcomer: Newcomer, champion: Version, truth: pl.Series) -> Paired:
    """Return labels and both answers on the held rows whose labels came after every Snapshot of what answers now.

    What answered such a row at its time counts, as users were given it: the corrections of now have learnt from it.
    """
    held = newcomer.rows.with_columns(truth.alias("_label"))[newcomer.choice.held]
    trim = find_standing(wheel)[0]
    seen = [wheel.catalog.find_version(member.version).snapshot.as_of for member in trim.members]
    unseen = held["_known_at"] > max(seen, default=champion.snapshot.as_of)
    newest = held.filter(unseen)
    answers = _answer(wheel, trim, newest) if newest.height else np.empty(0)
    labels, challenger = labels_of(newest["_label"], wheel.contract), newcomer.choice.held_answers[unseen.to_numpy()]
    return Paired(newest, labels, answers, challenger)


def _answer(wheel: Wheel, trim: Trim, rows: pl.DataFrame) -> Numbers:
    """Return what rows were answered since the last promotion; of those that nobody asked about, what they would be."""
    answers = wheel.answer(trim, rows)
    places, given = given_answers(wheel, rows, answering_since(wheel.catalog.journal(), trim))
    answers[places] = given
    return answers


def _promote_first(wheel: Wheel, newcomer: Newcomer, at: AsOf) -> Decision:
    golden = Golden().judge(Evidence(golden=try_version(wheel.blobs.path(newcomer.version.id))))
    warnings = tell_warnings(newcomer.choice.warnings)
    decision = first(newcomer.version.name, golden, at=clock.now(), as_of=at.rows, warnings=warnings)
    return _record(wheel, decision, newcomer.version)


def _opens(wheel: Wheel, version: Version) -> bool:
    try:
        wheel.package(version.id)
    except (VersionError, StoreError):
        return False
    return True


def _repair(wheel: Wheel, newcomer: Newcomer, champion: Version, at: AsOf) -> Decision:
    """Let a newcomer answer in place of a champion whose files are damaged: there is nothing to compare it with."""
    golden = Golden().judge(Evidence(golden=try_version(wheel.blobs.path(newcomer.version.id))))
    decision = first(newcomer.version.name, golden, at=clock.now(), as_of=at.rows, by="repair")
    opening = f"{champion.name} cannot be opened, so {newcomer.version.name} is not compared with it"
    return _record(wheel, replace(decision, reasons=(opening, *golden.reasons)), newcomer.version)


def _propose(wheel: Wheel, newcomer: Newcomer, champion: Version, at: AsOf) -> Decision:
    verdict = judge(wheel, newcomer, champion, newcomer.rows["_label"])
    moment, version = clock.now(), newcomer.version
    if verdict.state is State.FAIL:
        return _record(wheel, decide(verdict, at=moment, as_of=at.rows, by="propose"), version)
    said = tuple(reason for gate in verdict.gates for reason in gate.reasons)
    shown = "it was shown to be better" if verdict.state is State.PASS else "nothing shows yet that it is better"
    opening = f"{version.name} is proposed beside {champion.name}: {shown}"
    return _record(wheel, Decision("admit", "propose", (opening, *said), moment, at.rows, verdict=verdict), version)


def _keep_same(wheel: Wheel, champion: Version, at: AsOf, by: str) -> Decision:
    said = f"{champion.name} is kept: fitted again on what is known now, the same model came out"
    return wheel.catalog.decide(Decision("keep", by, (said,), clock.now(), at.rows, version=champion.id))


def _record(wheel: Wheel, decision: Decision, version: Version, recent: str = "") -> Decision:
    """Journal a Decision about a newcomer by ids; a promotion changes the Trim in the same transaction.

    Where Versions blend, the newcomer takes its seat in the layer, and `recent` that of the recent window.
    """
    if decision.action == "keep":
        return wheel.catalog.decide(replace(decision, version=find_standing(wheel)[1].id))
    if decision.action != "promote":
        return wheel.catalog.decide(replace(decision, version=version.id))
    trim = wheel.catalog.trim()
    epoch = trim.epoch + 1 if trim else 1
    threshold = wheel.package(version.id).threshold
    promoted = replace(decision, version=version.id, epoch=epoch)
    if wheel.project.trim.is_plain or decision.by not in {"blend", "switch"}:
        return wheel.catalog.decide(promoted, Trim(epoch, (Member(version.id),), threshold))
    return wheel.catalog.decide(promoted, *admit(wheel, version.id, recent, decision.as_of))
