"""The card of a Version: what it answers, what it learnt from, how good it is and where it ends, in plain words."""

from collections.abc import Mapping
from typing import Any

from trimtab.nouns import Contract, Interval, Project
from trimtab.train.choose import Choice, Tried


def render_card(choice: Choice, contract: Contract, project: Project, frame: Any) -> str:
    """Return card.md. Every number in it stands in metrics.json or threshold.json too."""
    parts = (
        f"# {project.name}",
        project.question or "No question was written down: add [project] question to trimtab.toml.",
        _tell_task(contract),
        "## What it learnt from",
        _tell_rows(frame, contract),
        "## How good it is",
        _tell_measured(choice),
        _tell_metrics(choice.metrics),
        "## Which families competed",
        "\n".join(_tell_tried(tried, choice.metric) for tried in choice.families),
        "\n".join(choice.reasons),
        *_tell_threshold(choice, contract, project),
        "## Limits",
        _tell_limits(choice, contract),
    )
    return "\n\n".join(parts) + "\n"


def _tell_task(contract: Contract) -> str:
    target = contract.target
    meaning = f" {target.meaning}" if target.meaning else ""
    if target.task == "regression":
        return f"It estimates the number '{target.column}'.{meaning}"
    positive = f" Its probability is that of '{target.positive}'." if target.task == "binary" else ""
    return f"It answers '{target.column}' with one of: {', '.join(target.classes)}.{positive}{meaning}"


def _tell_rows(frame: Any, contract: Contract) -> str:
    events = frame.get_column("_event_at").drop_nulls()
    period = f", from {events.min().isoformat()} to {events.max().isoformat()}" if len(events) else ""
    return f"{len(frame):,} labelled rows{period}, {len(contract.features)} features. Contract {contract.id}."


def _tell_measured(choice: Choice) -> str:
    rows = ", ".join(f"{count:,} {name}" for name, count in choice.rows.items())
    return (
        f"Measured on the test part, which the measured fit had not seen (rows: {rows}). The stored model was then "
        "fitted with the same settings on all rows; its own quality is expected to be the same or a little better, "
        "and was not measured."
    )


def _tell_metrics(metrics: Mapping[str, Interval]) -> str:
    lines = [
        f"| {name} | {one.value:.4f} | {one.low:.4f} to {one.high:.4f} | {one.rows:,} |"
        for name, one in metrics.items()
    ]
    return "\n".join(("| metric | value | 95 % interval | rows |", "|---|---|---|---|", *lines))


def _tell_tried(tried: Tried, metric: str) -> str:
    if tried.dropped:
        return f"- {tried.name}: dropped. {tried.dropped}"
    settings = ", ".join(f"{name} {value}" for name, value in tried.params.items()) or "no settings"
    score = tried.metrics[metric]
    return f"- {tried.name} ({settings}): {metric} {score.value:.4f} [{score.low:.4f}, {score.high:.4f}]"


def _tell_threshold(choice: Choice, contract: Contract, project: Project) -> tuple[str, ...]:
    if choice.threshold is None:
        return ()
    cost, positive = project.cost, contract.target.positive
    return (
        "## Threshold",
        (
            f"A row is '{positive}' from probability {choice.threshold:.4f}: the cheapest on "
            f"{choice.rows['calibration']:,} calibration rows, where a false '{positive}' costs "
            f"{cost.false_positive:g} and a missed one {cost.false_negative:g}."
        ),
    )


def _tell_limits(choice: Choice, contract: Contract) -> str:
    lines = [
        "- It knows nothing about rows that differ from those it learnt from; `trimtab status` shows how it does now.",
        "- Probabilities are as the family gives them; they are not recalibrated.",
    ]
    if contract.row.order == "none":
        lines.append("- The rows had no order, so the parts were drawn by chance: a change over time was not tested.")
    if "no_better_than_baseline" in choice.warnings:
        lines.append("- It is not better than an answer that looks at no column (within one standard error).")
    lines += [f"- {warning}" for warning in choice.warnings if warning != "no_better_than_baseline"]
    return "\n".join(lines)
