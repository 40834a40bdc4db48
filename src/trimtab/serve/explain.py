"""One answer explained: what moved it, column by column; and a logged one made again, to compare it with the log.

Parts are exact for a Version's raw score. Where one sum is the answer they are added up over the members of a Trim;
where none is (chances of several Versions) each member's stand alone.
"""

import math
from asyncio import get_running_loop
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from functools import partial
from typing import Any, Protocol, TypeVar

import msgspec
import numpy as np

from trimtab.errors import VersionError
from trimtab.serve.answer import Breaker, Given, answer_as, answer_base_rate, answer_row
from trimtab.serve.ladder import Problem
from trimtab.serve.model import Blended, Encoded, Live, Model
from trimtab.store.record import features_text, json_text

Made = TypeVar("Made")


class OpenLive(Protocol):
    """Opens again what answered a logged row; `text` is whether the row came as text, as from a CSV file."""

    def __call__(self, *, text: bool) -> Live:
        """Return it. Raises VersionError where it cannot be opened any more."""
        ...


def explain_answer(live: Live, mapping: Mapping[str, object], given: Given) -> dict[str, Any]:
    """Return the `explanation` of an answer (None where it has no exact parts), and that of each of several `members`.

    `calibration` is the map that makes the answer of the raw score which the parts add up to.
    """
    if given.fallback == "base_rate":
        return {"explanation": None, "calibration": "identity"}
    if given.fallback == "previous" and live.previous is not None:
        return _explain_model(live.previous, live.previous.encode(given.values))
    if live.blended is None:
        return _explain_model(live.model, live.model.encode(given.values))
    return _explain_blend(live.blended, live.blended.encode(mapping, given.values), given.output)


def _explain_model(model: Model, numbers: Encoded | None) -> dict[str, Any]:
    found = None if numbers is None else model.package.explain_encoded(np.array([numbers], dtype=np.float64))
    explanation = None if found is None else asdict(found[0])
    return {"explanation": explanation, "calibration": model.package.calibration.kind}


def _explain_blend(blended: Blended, rows: Sequence[Encoded | None], output: Mapping[str, Any]) -> dict[str, Any]:
    models = {model.id: (model, row) for model, row in zip(blended.models, rows, strict=True)}
    told = {id_: _explain_model(model, row) for id_, (model, row) in models.items()}
    members = [
        {
            "version": models[member.version][0].name,
            "family": models[member.version][0].version.family,
            "weight": weight,
            "recalibration": list(member.calibration),
            "left_out": models[member.version][1] is None,
            **told[member.version],
        }
        for member, weight in zip(blended.blend.members, blended.blend.weigh(rows), strict=True)
    ]
    return {"explanation": _add_up(members, output), "calibration": "identity", "members": members}


def _add_up(members: Sequence[Mapping[str, Any]], output: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the members' parts as one sum that is the answer, or None where there is no such sum.

    A number is a weighted sum of numbers. A chance is one only where a single member gives it.
    """
    present = [member for member in members if member["weight"] > 0.0]
    chance = output.get("probability")
    one_sum = "probabilities" not in output and (chance is None or len(present) == 1)
    if not one_sum or any(one["explanation"] is None or one["calibration"] != "identity" for one in present):
        return None
    base, parts = 0.0, dict[str, float]()
    for member in present:
        slope, shift = member["recalibration"]
        base += member["weight"] * (slope * member["explanation"]["base"] + shift)
        for name, part in member["explanation"]["parts"].items():
            parts[name] = parts.get(name, 0.0) + member["weight"] * slope * part
    score = math.fsum((base, *parts.values()))
    answer = output["prediction"] if chance is None else math.log(chance / (1.0 - chance))
    if not math.isclose(score, answer, rel_tol=1e-6, abs_tol=1e-6):
        return None  # the answer was held away from 0 or 1, where no sum reaches
    raw = output["prediction"] if chance is None else chance
    return {"unit": present[0]["explanation"]["unit"], "base": base, "parts": parts, "score": score, "raw": raw}


def answer_again(open_live: OpenLive, record: Mapping[str, Any]) -> tuple[Live, Mapping[str, object], Given]:
    """Return what answered a logged row, the row, and the answer that it gives now.

    Raises Problem model_failed where it gives none any more.
    """
    raw = msgspec.json.decode(record["raw"])
    live = open_live(text=False)
    asked = _asked(live, record)
    clean = asked.row(raw)
    if clean.reasons:  # a row of a CSV file came as text; its log does not say so, but only one reading accepts it
        live = open_live(text=True)
        asked = _asked(live, record)
        clean = asked.row(raw)
    given = Given({}, clean.values, clean.warnings, asked.id, asked.name, asked.contract.id)
    if record["fallback"] == "base_rate":
        answer_base_rate(asked, given)
    elif record["fallback"] == "previous":
        if not answer_as(asked, raw, given):
            raise Problem("model_failed")
    else:
        answer_row(live, Breaker(), "none", raw, given)
    return live, raw, given


def _asked(live: Live, record: Mapping[str, Any]) -> Model:
    """Return the Version whose Contract read the row. Raises VersionError where it is not what the log names."""
    model = live.previous if record["fallback"] == "previous" else live.model
    if model is None or (record["fallback"] != "base_rate" and model.id != record["version"]):
        raise VersionError(f"Epoch {record['epoch']} was not answered by the Version {record['version']}.")
    return model


def explain_record(open_live: OpenLive, record: Mapping[str, Any]) -> dict[str, Any]:
    """Return who gave a logged answer, what moved it, the answer made `again`, and whether it is the `same` bytes.

    Raises VersionError where its Version cannot be opened or answers no more.
    """
    try:
        live, raw, given = answer_again(open_live, record)
    except Problem as error:
        raise VersionError(f"The Version {record['version']} gives no usable answer any more.") from error
    model = _asked(live, record)
    features = features_text(model.columns, given.values)
    base = record["fallback"] == "base_rate"
    return {
        "version": given.version_name,
        "version_id": given.version,
        "family": "baseline" if base else model.version.family,
        **explain_answer(live, raw, given),
        "again": given.output,
        "same": json_text(given.output) == record["output"] and features == record["features"],
    }


class Explainer:
    """One thread for explanations, which cost a hundred times an answer; with much to do it takes no more of them.

    So they are the first thing that a busy worker sheds, and they keep one copy of a model's native memory.
    """

    def __init__(self, places: int = 8) -> None:
        self._places = places
        self._taken = 0
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="explain")

    async def run(self, work: Callable[..., Made], *arguments: object) -> Made | None:
        """Return what `work` makes of its arguments, or None where too many wait already."""
        if self._taken >= self._places:
            return None
        self._taken += 1
        try:
            return await get_running_loop().run_in_executor(self._thread, partial(work, *arguments))
        finally:
            self._taken -= 1
