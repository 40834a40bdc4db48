"""`trimtab train`."""

from trimtab.cli.options import HERE, AsJson, Folder
from trimtab.cli.output import join_reasons, progress, show, suggest
from trimtab.loop.cycle import Trained
from trimtab.loop.cycle import train as train_version
from trimtab.loop.state import open_wheel
from trimtab.metrics.figures import count, spread
from trimtab.nouns import State
from trimtab.train.choice import tell_warnings


def train(folder: Folder = HERE, /, *, as_json: AsJson = False) -> int:
    """Fit the families in time order, choose the simplest that is as good as the best, and keep it as a Version.

    The first Version answers at once. A later one is only proposed: `trimtab promote` lets it answer.
    """
    with progress(f"Training in {folder.resolve().name} ...") as tell:
        wheel = open_wheel(folder)
        done = train_version(wheel, tell=tell)
    answering = wheel.catalog.standings().champion == done.version.id
    better = done.decision.verdict is not None and done.decision.verdict.state is State.PASS
    step = suggest("promote", done.version.name, "--project", folder) if better else suggest("serve", folder)
    facts = {"task": wheel.contract.target.task, **list_training(done)}
    show((*describe_training(done, answering=answering), step), facts, as_json=as_json)
    return 0


def describe_training(done: Trained, *, answering: bool) -> tuple[str, ...]:
    """Return what was fitted, chosen and decided, in sentences."""
    version, choice = done.version, done.choice
    standing = "answers" if answering else "does not answer yet"
    return (
        f"{version.name} ({version.id}) {standing}: {choice.chosen}, fitted on {count(done.rows, 'labelled row')}.",
        f"On rows that it had not seen: {', '.join(f'{name} {spread(it)}' for name, it in choice.metrics.items())}.",
        *choice.reasons,
        *(f"Warning: {warning}." for warning in tell_warnings(choice.warnings)),
        f"Decision {done.decision.number}: {join_reasons(done.decision.reasons)}",
        *((done.mirrored,) if done.mirrored else ()),
    )


def list_training(done: Trained) -> dict[str, object]:
    """Return the same as facts."""
    return {
        "version": done.version.id,
        "name": done.version.name,
        "rows": done.rows,
        "families": done.choice.families,
        "chosen": done.choice.chosen,
        "metrics": done.choice.metrics,
        "threshold": done.choice.threshold,
        "reasons": done.choice.reasons,
        "warnings": done.choice.warnings,
        "calibration": done.choice.calibration,
        "leakage": done.choice.leakage,
        "promoted": done.promoted,
        "decision": done.decision,
        "mirrored": done.mirrored,
    }
