"""`trimtab trials`."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any

from cyclopts import App, Parameter

from trimtab.cli.options import HERE, AsJson, Folder, ProjectFolder
from trimtab.cli.output import show, show_table, suggest
from trimtab.loop.state import open_wheel
from trimtab.loop.trials import compare_trials
from trimtab.metrics.figures import list_settings, show_setting, spread
from trimtab.nouns import Interval

Number = Annotated[int, Parameter(help="A trial's number.")]

trials = App(name="trials", help="List the fits of every search: settings, score, seconds.")
COLUMNS = ("number", "family", "state", "score", "seconds", "settings")


@trials.default
def list_trials(folder: Folder = HERE, /, *, as_json: AsJson = False) -> int:
    """List the fits of every search: settings, score on the validation part, seconds."""
    found = open_wheel(folder).catalog.trials.list()
    if as_json or not found:
        show(("No trial yet.", suggest("train", folder)), {"trials": found}, as_json=as_json)
    else:
        show_table(COLUMNS, [_cells(trial) for trial in found])
    return 0


@trials.command(name="show")
def show_trial(number: Number, /, *, project: ProjectFolder = HERE, as_json: AsJson = False) -> int:
    """Tell all of one trial: settings, score, Snapshot, code revision, environment."""
    trial = open_wheel(project).catalog.trials.find(number)
    snapshot, environment = trial["snapshot"], trial["environment"]
    at = f"{datetime.fromisoformat(trial['at']):%Y-%m-%d %H:%M} UTC"
    lines = (
        f"Trial {number}: {trial['family']}, {trial['state']} after {trial['seconds']:.1f} s, at {at}.",
        f"Score on the validation part: {_score(trial)}.",
        f"Settings: {_settings(trial)}.",
        *([f"Reason: {trial['reason']}"] if trial["reason"] else []),
        f"Rows: {snapshot['rows']:,}, Snapshot {snapshot['fingerprint']}; Contract {trial['contract']}.",
        f"Code: {trial['revision'] or 'the folder has no commit'}.",
        f"Environment: {', '.join(f'{name} {version}' for name, version in environment.items())}.",
    )
    show(lines, trial, as_json=as_json)
    return 0


@trials.command(name="compare")
def compare(first: Number, second: Number, /, *, project: ProjectFolder = HERE, as_json: AsJson = False) -> int:
    """Tell what differs between two trials, and by how much the second scored otherwise."""
    told = compare_trials(open_wheel(project), first, second)
    a, b = told["trials"]
    by = "unknown" if told["difference"] is None else f"{told['difference']:+.4g}"
    lines = [
        f"Trial {first} ({a['family']}): {_score(a)}. Trial {second} ({b['family']}): {_score(b)}. Difference: {by}.",
        *(f"  {name}: {show_setting(one)} -> {show_setting(other)}" for name, (one, other) in told["settings"].items()),
    ]
    if not told["same_rows"]:
        lines.append("They were fitted on different rows: the scores do not compare.")
    show(lines, told, as_json=as_json)
    return 0


def _cells(trial: Mapping[str, Any]) -> list[str]:
    members = trial["params"].get("members")  # each of them stands in the table with settings of its own
    told = trial["reason"] or (f"average of {len(members)} settings" if members else _settings(trial))
    return [str(trial["number"]), trial["family"], trial["state"], _score(trial), f"{trial['seconds']:.1f}", told]


def _score(trial: Mapping[str, Any]) -> str:
    score = trial["score"]
    if score is None:
        return "none"
    known: dict[str, Any] = {name: float("nan") if value is None else value for name, value in score.items()}
    return spread(Interval(**known))


def _settings(trial: Mapping[str, Any]) -> str:
    return list_settings({**trial["params"], **trial["fitted"]}) or "none"
