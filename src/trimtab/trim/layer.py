"""The trim layer: up to three Versions, raw and recalibrated, and weights that move with every batch of outcomes.

A seat is a procedure, not a model: "the newest Version", "its predecessor", "the one fitted on the recent window". So
what was learnt of a seat outlives a refit. A batch of outcomes does three things, in this order: the weights move by
what each part lost with the corrections it had; the batch is remembered; the corrections are learnt anew. What is
served mixes in a share of the layer as it was five batches ago, which keeps noise from being chased; and where the
layer has lost to the newest Version alone over twelve batches, that Version answers alone until it is the worse one.

Pure: a Layer and a batch give a Layer. Layers are plain numbers of constant size, and JSON.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from trimtab.nouns import Member, Task
from trimtab.nouns.project import TrimSpec
from trimtab.trim.blend import IDENTITY
from trimtab.trim.recalibrate import FAST, LONE, SLOW, Calibration, Pace, correct, in_units, recalibrate, summarise
from trimtab.trim.weights import learn_weights

Numbers = NDArray[np.float64]
Role = Literal["newest", "predecessor", "recent"]
ROLES: tuple[Role, ...] = get_args(Role)

REMEMBERED = 12
"""Batches that corrections are learnt from, and over which the layer is compared with the newest Version alone."""
INERTIA_AGE = 5
"""Batches back to the layer that is mixed in."""
INHERITED = 0.5
"""What a batch counts that a newcomer did not answer itself: its predecessor did."""
FORMAT = 1


@dataclass(frozen=True, slots=True)
class Remembered:
    """The summary of one batch, and what it counts."""

    summary: tuple[Any, ...]
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class Seat:
    """One Version's place in the layer: a weight and a correction for each of its parts, the uncorrected one first."""

    version: str
    weights: tuple[float, ...]
    calibrations: tuple[Calibration, ...]
    memory: tuple[Remembered, ...] = ()


Past = Mapping[Role, tuple[tuple[float, ...], tuple[Calibration, ...]]]
"""Weights and corrections by seat, as they once were."""


@dataclass(frozen=True, slots=True)
class Layer:
    """What the outcomes so far have taught. `scale` is a regression's usual error; corrections are in its units.

    `past` are the newest five states, oldest first; `record` is what the served layer and the newest Version alone lost
    in each of the last twelve batches; `batches` counts all batches learnt.
    """

    task: Task
    seats: Mapping[Role, Seat]
    paces: tuple[Pace, ...] = ()
    scale: float = 1.0
    past: tuple[Past, ...] = ()
    record: tuple[tuple[float, float], ...] = ()
    batches: int = 0

    @property
    def versions(self) -> tuple[str, ...]:
        """The Versions whose answers `learn` needs, in the order of the seats."""
        return tuple(self.seats[role].version for role in self.roles)

    @property
    def roles(self) -> tuple[Role, ...]:
        """The seats that are taken, the newest first."""
        return tuple(role for role in ROLES if role in self.seats)

    @property
    def is_valved(self) -> bool:
        """Whether the newest Version answers alone, because the layer has lost to it over twelve batches."""
        lost = np.array(self.record)
        return len(self.record) >= REMEMBERED and bool(lost[:, 0].sum() > lost[:, 1].sum())


def choose_paces(spec: TrimSpec, delay: float) -> tuple[Pace, ...]:
    """Return how corrections follow, given the delay of labels in windows: beyond the limit a quick one only lags."""
    if not spec.recalibrate:
        return ()
    return (FAST, SLOW) if delay <= spec.max_label_delay else (LONE,)


def begin(task: Task, version: str, paces: Sequence[Pace], scale: float = 1.0) -> Layer:
    """Return the layer of a first Version: nothing learnt, nothing corrected."""
    return Layer(task, {"newest": _new_seat(version, tuple(paces), 1.0)}, tuple(paces), scale)


def set_paces(layer: Layer, paces: Sequence[Pace]) -> Layer:
    """Return the layer with other corrections, learnt from what is remembered; a Version keeps its weight."""
    if tuple(paces) == layer.paces:
        return layer
    seats = {
        role: _refit(layer, _new_seat(seat.version, tuple(paces), sum(seat.weights), seat.memory), tuple(paces))
        for role, seat in layer.seats.items()
    }
    return replace(layer, seats=seats, paces=tuple(paces), past=(), record=())


def learn(layer: Layer, answers: Sequence[Numbers], labels: Numbers, spec: TrimSpec) -> Layer:
    """Return the layer after one more batch. `answers` are each Version's own, in the order of `versions`.

    No Version may have been fitted on these rows.
    """
    if not len(labels):
        return layer
    held = dict(zip(layer.roles, answers, strict=True))
    losses = np.concatenate([_part_losses(layer, seat, held[role], labels) for role, seat in layer.seats.items()])
    weights = np.concatenate([np.array(seat.weights) for seat in layer.seats.values()])
    learnt = learn_weights(weights, losses, eta=spec.eta, share=spec.share)
    seats, first = {}, 0
    for role, seat in layer.seats.items():
        own = learnt[first : first + len(seat.weights)]
        first += len(seat.weights)
        summary = summarise(layer.task, held[role], labels, layer.scale)
        memory = (*seat.memory, Remembered(_plain(summary)))[-REMEMBERED:]
        seats[role] = _refit(layer, replace(seat, weights=tuple(map(float, own)), memory=memory), layer.paces)
    told = (
        _mean_loss(layer, _mix(layer, held, spec), labels),
        _mean_loss(layer, correct(layer.task, held["newest"], IDENTITY), labels),
    )
    return replace(
        layer,
        seats=seats,
        past=(*layer.past, _snapshot(layer))[-INERTIA_AGE:],
        record=(*layer.record, told)[-REMEMBERED:],
        batches=layer.batches + 1,
    )


def forget(layer: Layer, batches: int) -> Layer:
    """Return the layer as it was so many batches ago, five at most; no newcomer may have been let in since."""
    if not (batches := min(batches, len(layer.past))):
        return layer
    before = layer.past[-batches]
    seats = {
        role: _refit(layer, replace(seat, weights=before[role][0], memory=seat.memory[:-batches]), layer.paces)
        for role, seat in layer.seats.items()
    }
    return _normalised(
        replace(
            layer,
            seats=seats,
            past=layer.past[:-batches],
            record=layer.record[:-batches],
            batches=layer.batches - batches,
        )
    )


def admit(layer: Layer, newcomer: str, *, recent: str = "", mix: bool = True) -> Layer:
    """Return the layer with a newcomer on the newest seat; who sat there becomes its predecessor.

    Part by part the two share evenly what they and the Version that leaves weighed. The newcomer begins with its
    predecessor's corrections, and with its batches at half of their weight. `recent` takes the seat of the recent
    window ("": it stays as it is). Without `mix` the newcomer is alone.
    """
    old = layer.seats["newest"]
    memory = tuple(replace(one, weight=one.weight * INHERITED) for one in old.memory)
    if not mix:
        seat = _refit(layer, Seat(newcomer, _scaled(old.weights, 1.0), old.calibrations, memory), layer.paces)
        return replace(layer, seats={"newest": seat}, past=(), record=())
    leaving = layer.seats["predecessor"].weights if "predecessor" in layer.seats else (0.0,) * len(old.weights)
    halves = tuple((own + other) / 2.0 for own, other in zip(old.weights, leaving, strict=True))
    seats: dict[Role, Seat] = {
        "newest": _refit(layer, Seat(newcomer, halves, old.calibrations, memory), layer.paces),
        "predecessor": replace(old, weights=halves),
    }
    if recent and recent != newcomer:
        before = layer.seats.get("recent")
        kept = before.memory if before else old.memory
        seat = Seat(
            recent, before.weights if before else _scaled(old.weights, 1.0 / len(ROLES)), old.calibrations, kept
        )
        again = tuple(replace(one, weight=one.weight * INHERITED) for one in kept)
        seats["recent"] = _refit(layer, replace(seat, memory=again), layer.paces)
    elif not recent and "recent" in layer.seats:
        seats["recent"] = layer.seats["recent"]
    return _normalised(replace(layer, seats=seats))


def retire(layer: Layer, role: Role) -> Layer:
    """Return the layer without a seat; the others share its weight."""
    seats = {one: seat for one, seat in layer.seats.items() if one != role}
    return _normalised(replace(layer, seats=seats))


def weigh(layer: Layer) -> dict[str, float]:
    """Return each Version's weight, all its parts together."""
    return {seat.version: float(sum(seat.weights)) for seat in layer.seats.values()}


def list_members(layer: Layer, spec: TrimSpec) -> tuple[Member, ...]:
    """Return what is served: the parts of all seats at their weights, with a share of the layer of five batches ago.

    The newest Version stands last, so that it is the champion among equals. Parts alike are one member.
    """
    newest = layer.seats["newest"].version
    if layer.is_valved:
        return (Member(newest),)
    found: dict[tuple[str, Calibration], float] = {}
    for role in reversed(layer.roles):
        for version, calibration, weight in _serve_seat(layer, role, spec):
            found[version, calibration] = found.get((version, calibration), 0.0) + weight
    kept = {part: weight for part, weight in found.items() if weight > 0.0}
    total = sum(kept.values())
    if len(kept) == 1:
        ((version, calibration),) = kept
        return (Member(version, 1.0, _for_answers(layer, calibration)),)
    return tuple(
        Member(version, weight / total, _for_answers(layer, calibration))
        for (version, calibration), weight in kept.items()
    )


# --- parts ------------------------------------------------------------------------------------------------------------


def _serve_seat(layer: Layer, role: Role, spec: TrimSpec) -> list[tuple[str, Calibration, float]]:
    seat = layer.seats[role]
    share = _inertia(layer, spec)
    parts = [
        (seat.version, calibration, weight * (1.0 - share))
        for calibration, weight in zip(seat.calibrations, seat.weights, strict=True)
    ]
    if share and role in layer.past[0]:
        weights, calibrations = layer.past[0][role]
        total = sum(sum(weights) for one, (weights, _) in layer.past[0].items() if one in layer.seats)
        parts += [
            (seat.version, calibration, weight * share / total)
            for calibration, weight in zip(calibrations, weights, strict=True)
        ]
    return parts


def _inertia(layer: Layer, spec: TrimSpec) -> float:
    """Return the share of the old layer: classes only, and none before it is old enough."""
    return spec.inertia if layer.task != "regression" and len(layer.past) >= INERTIA_AGE else 0.0


def _mix(layer: Layer, answers: Mapping[Role, Numbers], spec: TrimSpec) -> Numbers:
    """Return what the layer would answer where the valve is open."""
    total: Any = 0.0
    for role in layer.roles:
        for _, calibration, weight in _serve_seat(layer, role, spec):
            total = total + weight * correct(layer.task, answers[role], _for_answers(layer, calibration))
    return np.asarray(total, dtype=np.float64)


def _for_answers(layer: Layer, calibration: Calibration) -> Calibration:
    return in_units(calibration, layer.scale) if layer.task == "regression" else calibration


def _part_losses(layer: Layer, seat: Seat, answers: Numbers, labels: Numbers) -> Numbers:
    corrected = [correct(layer.task, answers, _for_answers(layer, one)) for one in seat.calibrations]
    return np.array([_mean_loss(layer, one, labels) for one in corrected])


def _mean_loss(layer: Layer, answers: Numbers, labels: Numbers) -> float:
    """Return the mean log loss; of numbers half of the squared error in units of the scale."""
    if layer.task == "regression":
        return float((0.5 * ((labels - answers) / layer.scale) ** 2).mean())
    if layer.task == "binary":
        return float(-np.log(np.where(labels > 0.5, answers, 1.0 - answers)).mean())
    own = answers[np.arange(len(answers)), labels.astype(np.int64)]
    return float(-np.log(np.maximum(own, 1e-15)).mean())


def _new_seat(version: str, paces: tuple[Pace, ...], weight: float, memory: tuple[Remembered, ...] = ()) -> Seat:
    parts = 1 + len(paces)
    return Seat(version, (weight / parts,) * parts, (IDENTITY,) * parts, memory)


def _refit(layer: Layer, seat: Seat, paces: tuple[Pace, ...]) -> Seat:
    """Return the seat with its corrections learnt from what it remembers."""
    summaries = [np.array(one.summary, dtype=np.float64) for one in seat.memory]
    weights = [one.weight for one in seat.memory]
    found = [recalibrate(layer.task, summaries, weights, pace) for pace in paces]
    return replace(seat, calibrations=(IDENTITY, *found))


def _snapshot(layer: Layer) -> Past:
    return {role: (seat.weights, seat.calibrations) for role, seat in layer.seats.items()}


def _scaled(weights: Sequence[float], total: float) -> tuple[float, ...]:
    held = sum(weights)
    return tuple(total * one / held if held > 0.0 else total / len(weights) for one in weights)


def _normalised(layer: Layer) -> Layer:
    total = sum(sum(seat.weights) for seat in layer.seats.values())
    if total <= 0.0:
        seats = {
            role: replace(seat, weights=_scaled(seat.weights, 1.0 / len(layer.seats)))
            for role, seat in layer.seats.items()
        }
        return replace(layer, seats=seats)
    return replace(
        layer,
        seats={
            role: replace(seat, weights=tuple(one / total for one in seat.weights))
            for role, seat in layer.seats.items()
        },
    )


def _plain(summary: Numbers) -> tuple[Any, ...]:
    """Return a summary as nested tuples, short enough to be kept: seven digits are far below its own noise."""
    return tuple(_plain(one) if one.ndim else float(f"{one:.7g}") for one in summary)


# --- as plain values --------------------------------------------------------------------------------------------------


def to_plain(layer: Layer) -> dict[str, Any]:
    """Return the layer as JSON values."""
    return {"format": FORMAT, **asdict(layer)}


def from_plain(plain: Mapping[str, Any]) -> Layer:
    """Return the layer of what `to_plain` gave. Raises ValueError for another format."""
    if plain.get("format") != FORMAT:
        raise ValueError(f"the layer has format {plain.get('format')}; this trimtab reads {FORMAT}")
    return Layer(
        plain["task"],
        {role: _read_seat(seat) for role, seat in plain["seats"].items()},
        tuple(Pace(**one) for one in plain["paces"]),
        float(plain["scale"]),
        tuple({role: (_read(one[0]), _read(one[1])) for role, one in past.items()} for past in plain["past"]),
        _read(plain["record"]),
        int(plain["batches"]),
    )


def _read_seat(plain: Mapping[str, Any]) -> Seat:
    memory = tuple(Remembered(_read(one["summary"]), float(one["weight"])) for one in plain["memory"])
    return Seat(plain["version"], _read(plain["weights"]), _read(plain["calibrations"]), memory)


def _read(value: Any) -> Any:
    return tuple(map(_read, value)) if isinstance(value, (list, tuple)) else float(value)
