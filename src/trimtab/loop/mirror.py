"""What an MLflow server is told: the trials and Versions that it does not have yet, after the work is done.

Only what the catalog says of them goes there: no row, no card, no model. A server that is down, slow or full costs a
few seconds and a sentence; what it missed is told the next time.
"""

import hashlib
import json
import math
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from trimtab import clock
from trimtab.errors import Busy, TrimtabError
from trimtab.loop.state import Wheel
from trimtab.metrics.figures import count
from trimtab.nouns import Version
from trimtab.store.mirror import Mirror, Run

LONGEST = 60.0
"""Seconds after which a turn leaves the rest to the next one."""
_STATUS: Mapping[str, Any] = {"complete": "FINISHED", "failed": "FAILED", "pruned": "KILLED"}


def mirror(wheel: Wheel) -> str:
    """Tell the project's MLflow server what it does not know yet; return what came of it, "" where nothing was due."""
    if not wheel.project.mlflow:
        return ""
    state = name_state(wheel.project.mlflow)
    told = dict(wheel.catalog.get_state(state) or {"trials": 0, "versions": 0})
    waiting = [*_trials(wheel, told["trials"]), *_versions(wheel, told["versions"])]
    if not waiting:
        return ""
    done = 0
    try:
        with wheel.catalog.lease("mirror", "the mirror to MLflow", LONGEST * 2):
            server = Mirror(wheel.project.mlflow, wheel.project.name).open()
            end = clock.monotonic_ns() + LONGEST * 1e9
            for kind, number, run in waiting:
                if clock.monotonic_ns() > end:
                    break
                server.put(run)
                told[kind] = number
                done += 1
    except Busy:
        return ""
    except TrimtabError as error:
        said = " ".join((error.message, *([f"Next: {error.hint}"] if error.hint else [])))
        return f"MLflow was not told of {count(len(waiting) - done, 'run')}; the next turn tries again. {said}"
    finally:
        wheel.catalog.put_state(state, told)
    rest = f"; {count(len(waiting) - done, 'run')} wait for the next turn" if done < len(waiting) else ""
    return f"MLflow was told of {count(done, 'run')}{rest}."


def name_state(address: str) -> str:
    """Return the name under which the catalog keeps how far a server was told; the address may hold a secret."""
    return f"mirror/{hashlib.sha256(address.encode()).hexdigest()[:16]}"


def _trials(wheel: Wheel, after: int) -> Iterator[tuple[str, int, Run]]:
    for trial in wheel.catalog.trials.list():
        if trial["number"] > after:
            yield "trials", trial["number"], _show_trial(trial)


def _versions(wheel: Wheel, after: int) -> Iterator[tuple[str, int, Run]]:
    for version in wheel.catalog.versions():
        if version.number > after:
            yield "versions", version.number, _show_version(version)


def _show_trial(trial: Mapping[str, Any]) -> Run:
    ended = datetime.fromisoformat(trial["at"])
    score = {trial["metric"]: trial["score"]} if trial["score"] else {}
    return Run(
        key=f"trial/{trial['search']}/{trial['number']}",
        name=f"trial {trial['number']} {trial['family']}",
        status=_STATUS[trial["state"]],
        started=ended - timedelta(seconds=trial["seconds"]),
        ended=ended,
        params={"family": trial["family"], **_texts({**trial["params"], **trial["fitted"]})},
        metrics={**_numbers(score), "seconds": trial["seconds"]},
        tags=_tags(
            kind="trial",
            search=trial["search"],
            contract=trial["contract"],
            snapshot=trial["snapshot"]["fingerprint"],
            rows=trial["snapshot"]["rows"],
            revision=trial["revision"],
            environment=json.dumps(trial["environment"], sort_keys=True),
            reason=trial["reason"],
        ),
    )


def _show_version(version: Version) -> Run:
    return Run(
        key=f"version/{version.id}",
        name=version.name,
        status="FINISHED",
        started=version.made_at,
        ended=version.made_at,
        params={"family": version.family, **_texts(dict(version.recipe["params"]))},  # type: ignore[call-overload]
        metrics=_numbers(version.metrics),
        tags=_tags(
            kind="version",
            version=version.id,
            contract=version.contract,
            snapshot=version.snapshot.fingerprint,
            rows=version.snapshot.rows,
        ),
    )


def _tags(**facts: object) -> dict[str, str]:
    return {f"trimtab.{name}": str(value) for name, value in facts.items() if value != ""}


def _texts(settings: Mapping[str, Any]) -> dict[str, str]:
    return {name: str(value) for name, value in settings.items()}


def _numbers(metrics: Mapping[str, Any]) -> dict[str, float]:
    """Return each metric with the ends of its interval, as far as they are known numbers."""
    found = {}
    for name, interval in metrics.items():
        for end, value in (("", interval["value"]), ("_low", interval["low"]), ("_high", interval["high"])):
            if value is not None and math.isfinite(value):
                found[f"{name}{end}"] = float(value)
    return found
