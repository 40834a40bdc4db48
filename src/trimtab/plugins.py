"""The door for extensions: every name that a project file may use for a part, and where that part stands.

Built-ins stand here as text, so that naming a part imports nothing and this floor never imports the rooms above it.
Outside packages enter by the same table, through entry points of the groups `trimtab.families`, `trimtab.triggers`,
`trimtab.gates`, `trimtab.metrics` and `trimtab.probes`; a project may also write the dotted text itself:
`"mine.model:build"`.

Behind the colon stands what makes the part, a function or a class: `build(project)` for a trigger or a gate, which take
their settings from the project; `build()` for a family, a metric or a probe, which have none. `load` returns it
uncalled.
"""

from collections.abc import Callable, Mapping
from importlib import import_module
from importlib.metadata import entry_points
from typing import Any, Literal, get_args

from trimtab.errors import UsageError, nearest

Role = Literal["families", "triggers", "gates", "metrics", "probes"]

BUILT_IN: Mapping[Role, Mapping[str, str]] = {
    "families": {
        "baseline": "trimtab.train.families.baseline:Baseline",
        "linear": "trimtab.train.families.linear:Linear",
        "forest": "trimtab.train.families.forest:Forest",
        "boosting": "trimtab.train.families.boosting:Boosting",
        "ensemble": "trimtab.train.families.ensemble:Ensemble",
        "estimator": "trimtab.train.families.estimator:Estimator",
    },
    "triggers": {
        "risk": "trimtab.retrain.triggers.risk:build",
        "every": "trimtab.retrain.triggers.every:build",
        "growth": "trimtab.retrain.triggers.growth:build",
        "opportunity": "trimtab.retrain.triggers.opportunity:build",
        "max_age": "trimtab.retrain.triggers.max_age:build",
        "schedule": "trimtab.retrain.triggers.schedule:build",
        "labels": "trimtab.retrain.triggers.labels:build",
    },
    "gates": {
        "parity": "trimtab.promote.gates.parity:build",
        "golden": "trimtab.promote.gates.golden:build",
        "latency": "trimtab.promote.gates.latency:build",
        "floor": "trimtab.promote.gates.floor:build",
        "slices": "trimtab.promote.gates.slices:build",
        "not_worse": "trimtab.promote.gates.not_worse:build",
        "paired": "trimtab.promote.gates.paired:build",
    },
    "metrics": {
        "log_loss": "trimtab.metrics.log_loss:LogLoss",
        "brier": "trimtab.metrics.brier:Brier",
        "roc_auc": "trimtab.metrics.roc_auc:RocAuc",
        "average_precision": "trimtab.metrics.average_precision:AveragePrecision",
        "accuracy": "trimtab.metrics.accuracy:Accuracy",
        "rmse": "trimtab.metrics.rmse:RootMeanSquaredError",
        "mae": "trimtab.metrics.mae:MeanAbsoluteError",
    },
    "probes": {},  # the built-in ones are a list, because their order counts: `trimtab.audit.probes`
}


def load(role: Role, name: str) -> Callable[..., Any]:
    """Return what makes the part of that name: call it with the project (triggers, gates) or with nothing.

    Raises UsageError for an unknown name, for a part that cannot be imported, and for a name that two packages claim.
    """
    _check_role(role)
    return _resolve(name if ":" in name else _find(role, name), f"{role} '{name}'")


def known(role: Role) -> tuple[str, ...]:
    """Return the names of a role that can be loaded: the built-in ones, then those of installed packages."""
    _check_role(role)
    return (*BUILT_IN[role], *sorted(_outside(role).keys() - BUILT_IN[role].keys()))


def _find(role: Role, name: str) -> str:
    """Return the dotted text of a name."""
    outside, built_in = _outside(role).get(name, ()), BUILT_IN[role].get(name)
    claims: tuple[str, ...] = (*((built_in,) if built_in else ()), *outside)
    if len(claims) > 1:
        raise UsageError(
            f"{role}: '{name}' is claimed by {' and '.join(claims)}.",
            hint="uninstall one, or write the dotted text of the one you mean",
        )
    if not claims:
        raise UsageError(
            f"{role}: there is no '{name}'{nearest(name, known(role))}", hint=f"choose from {', '.join(known(role))}"
        )
    return claims[0]


def _outside(role: Role) -> dict[str, tuple[str, ...]]:
    """Return the dotted texts that installed packages offer, by name."""
    found: dict[str, tuple[str, ...]] = {}
    for entry in entry_points(group=f"trimtab.{role}"):
        found[entry.name] = tuple(sorted({*found.get(entry.name, ()), str(entry.value)}))
    return found


def _resolve(dotted: str, what: str) -> Callable[..., Any]:
    """Import `module:attribute`; UsageError where there is no such thing, or nothing that can be called."""
    module, _, attribute = dotted.partition(":")
    try:
        part = getattr(import_module(module), attribute)
    except (ImportError, AttributeError, ValueError, TypeError) as error:
        raise UsageError(
            f"{what} cannot be loaded from '{dotted}': {error}", hint="check that its package is installed here"
        ) from error
    if not callable(part):
        raise UsageError(f"{what}: '{dotted}' is no function or class", hint="name what makes the part")
    made: Callable[..., Any] = part
    return made


def _check_role(role: str) -> None:
    roles = get_args(Role)
    if role not in roles:
        raise UsageError(f"There is no role '{role}'{nearest(role, roles)}", hint=f"choose from {', '.join(roles)}")
