"""Whether a Family keeps what the role asks: the same model again, the same answers from its files, odd rows too.

The rules, by the name of their judgement:

    candidates   at least one setting, the same each time, all of them JSON
    fits         every setting gives a model whose answers have the right shape and are finite
    repeatable   the same rows, settings and seed give files of the same bytes, and the fit answers with the same bits
                 each time, also where two threads work on it
    params       what a fit says of itself (`params`) repeats it
    parity       its files answer as the fit did, to a millionth, with missing and unseen values
    rows         one row is answered with the bits of many
    contributions   they have the right shape, or are None
"""

import json
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from trimtab.nouns import Judgement, Task
from trimtab.nouns.verdict import State
from trimtab.train.families.base import Family, Fitted, Predictor, Problem

PARITY = 1e-6
_ROWS, _SLOTS, _REPEATS = 400, 6, 5
_CATEGORY = 4
"""The matrix column that holds the codes of a category, 0 to 3; 4 stands for an unseen one."""

Make = Callable[[], Family]
Reasons = Iterator[str]


@dataclass(frozen=True, slots=True)
class _World:
    """A small problem: rows to learn, and odder rows to ask."""

    problem: Problem
    matrix: np.ndarray
    labels: np.ndarray
    asked: np.ndarray

    def fit(self, family: Family, params: Any, threads: int = 1) -> Fitted:
        return family.fit(self.matrix, self.labels, problem=self.problem, params=params, seed=5, threads=threads)


def check_family(make: Make, task: Task = "binary") -> tuple[Judgement, ...]:
    """Return a Judgement for each rule: pass or fail, with reasons, or cannot tell where an earlier one failed.

    `make` gives the family anew each time. It is fitted a few times on 400 rows of a small world of that task.
    """
    world = _build_world(make(), task)
    judged: list[Judgement] = []
    for name, rule in _RULES:
        broken = [one for one in judged if one.state is State.FAIL and one.name in {"candidates", "fits"}]
        if broken:
            judged.append(Judgement(name, State.CANNOT_TELL, (f"{broken[0].name} failed",)))
            continue
        judged.append(_judge(name, rule(make, world)))
    return tuple(judged)


def _judge(name: str, reasons: Reasons) -> Judgement:
    try:
        found = tuple(reasons)
    except Exception as error:  # noqa: BLE001 - whatever a stranger's family raises is its judgement
        found = (f"it raised {type(error).__name__}: {str(error)[:200]}",)
    return Judgement(name, State.FAIL if found else State.PASS, found or ("kept",))


def _build_world(family: Family, task: Task) -> _World:
    chance = np.random.default_rng(3)
    matrix = chance.normal(size=(_ROWS, _SLOTS))
    matrix[:, _CATEGORY] = chance.integers(0, 4, _ROWS)
    signal = matrix[:, 0] + (matrix[:, _CATEGORY] == 1) - matrix[:, 1] * (matrix[:, 2] > 0)
    asked = matrix.copy()
    asked[::5, _CATEGORY] = 4.0
    asked[::7] *= 3.0
    bare, bare_asked = matrix.copy(), asked.copy()  # the form for lines has no missing numbers: they are indicators
    matrix[chance.random(matrix.shape) < 0.05] = np.nan
    asked[chance.random(asked.shape) < 0.1] = np.nan
    if family.form == "one_hot":
        matrix, asked = bare, bare_asked
    elif family.form == "both":
        matrix, asked = np.hstack((matrix, bare)), np.hstack((asked, bare_asked))
    labels: Any = signal * 10.0
    if task != "regression":
        labels = np.digitize(signal, [0.0] if task == "binary" else [-0.7, 0.7]).astype(np.int64)
    classes = {"regression": 0, "binary": 2, "multiclass": 3}[task]
    codes = () if family.form == "one_hot" else (_CATEGORY,)
    problem = Problem(task, classes, codes, _SLOTS if family.form == "both" else 0)
    return _World(problem, matrix, labels, asked)


def _settings(make: Make, world: _World) -> Sequence[Any]:
    return make().candidates(world.problem, _ROWS)


def _check_candidates(make: Make, world: _World) -> Reasons:
    first, again = _settings(make, world), _settings(make, world)
    if not first:
        yield "there is no setting to try"
    if [dict(one) for one in first] != [dict(one) for one in again]:
        yield "they are not the same each time"
    json.dumps([dict(one) for one in first], allow_nan=False)


def _check_fits(make: Make, world: _World) -> Reasons:
    shape = (_ROWS, world.problem.classes) if world.problem.task == "multiclass" else (_ROWS,)
    for params in _settings(make, world):
        answers = world.fit(make(), params).predict(world.asked)
        if answers.shape != shape:
            yield f"{dict(params)} answers {_ROWS} rows with the shape {answers.shape} instead of {shape}"
        elif not np.isfinite(answers).all():
            yield f"{dict(params)} answers with something that is not finite"
        elif world.problem.task != "regression" and (answers.min() < 0 or answers.max() > 1 + PARITY):
            yield f"{dict(params)} answers with something that is no probability"


def _check_repeatable(make: Make, world: _World) -> Reasons:
    params = _settings(make, world)[0]
    if _store(make(), world.fit(make(), params)) != _store(make(), world.fit(make(), params)):
        yield "two fits of the same rows, settings and seed wrote different files"
    shared = world.fit(make(), params, threads=2)
    asked = np.tile(world.asked, (_REPEATS, 1))
    if len({shared.predict(asked).tobytes() for _ in range(_REPEATS)}) > 1:
        yield "one fit answers the same rows with other bits each time where it may use two threads"


def _check_params(make: Make, world: _World) -> Reasons:
    fitted = world.fit(make(), _settings(make, world)[0])
    said = json.loads(json.dumps(dict(fitted.params), allow_nan=False))
    if _store(make(), fitted) != _store(make(), world.fit(make(), said)):
        yield "fitted.params, given back as settings, make another model"


def _check_parity(make: Make, world: _World) -> Reasons:
    fitted = world.fit(make(), _settings(make, world)[0])
    wanted, given = fitted.predict(world.asked), _load(make(), fitted, world).predict(world.asked)
    distance = float(np.abs(wanted - given).max()) / float(np.abs(wanted).max(initial=1.0))
    if not distance <= PARITY:
        yield f"its files answer {distance:.3g} away from the fit; allowed is {PARITY:g}"


def _check_rows(make: Make, world: _World) -> Reasons:
    predictor = _load(make(), world.fit(make(), _settings(make, world)[0]), world)
    many = np.asarray(predictor.predict(world.asked), dtype=np.float64)
    alone = np.array([predictor.predict_row(row.tolist()) for row in world.asked], dtype=np.float64)
    if many.tobytes() != alone.tobytes():
        yield "predict_row gives other bits than predict"


def _check_contributions(make: Make, world: _World) -> Reasons:
    parts = _load(make(), world.fit(make(), _settings(make, world)[0]), world).contributions(world.asked)
    between = (world.problem.classes,) if world.problem.task == "multiclass" else ()
    shape = (_ROWS, *between, world.asked.shape[1] + 1)
    if parts is not None and parts.shape != shape:
        yield f"they have the shape {parts.shape} instead of {shape}"


def _store(family: Family, fitted: Fitted) -> dict[str, bytes]:
    with tempfile.TemporaryDirectory() as folder:
        names = family.export(fitted, Path(folder))
        return {name: (Path(folder) / name).read_bytes() for name in names}


def _load(family: Family, fitted: Fitted, world: _World) -> Predictor:
    return family.load(_store(family, fitted), world.problem, world.asked.shape[1])


_RULES: tuple[tuple[str, Callable[[Make, _World], Reasons]], ...] = (
    ("candidates", _check_candidates),
    ("fits", _check_fits),
    ("repeatable", _check_repeatable),
    ("params", _check_params),
    ("parity", _check_parity),
    ("rows", _check_rows),
    ("contributions", _check_contributions),
)
