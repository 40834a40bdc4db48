"""The sections of a card, first half: what it answers, what it learnt from, and how good it is."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from trimtab.charts import Mark, interval_chart, line_chart
from trimtab.metrics.figures import count, figure, list_settings, spread
from trimtab.nouns import Column
from trimtab.train.card_facts import MOST_COLUMNS, Facts, ends_of, in_order, read_interval
from trimtab.train.meanings import explain_decision, explain_metric, tell_confusion
from trimtab.train.sheet import Block, Bullets, Heading, Picture, Table, Text, name, tame

COST_STEPS = 10
PARTS = ("train", "validation", "calibration", "test")


def tell_worth(facts: Facts) -> Iterator[Block]:
    """Yield the blocks of the first half."""
    for section in (_open, _tell_data, _tell_choice, _tell_quality, _tell_decisions, _tell_calibration, _tell_cost):
        yield from section(facts)


def _open(facts: Facts) -> Iterator[Block]:
    target = facts.contract.target
    yield Heading(tame(facts.account["name"]), 1)
    question = tame(facts.account["question"])
    yield Text(question or "No question was written down: add [project] question to trimtab.toml.")
    meaning = f" {tame(target.meaning)}" if target.meaning else ""
    if target.task == "regression":
        yield Text(f"It estimates the number {name(target.column)}.{meaning}")
        return
    positive = f" Its probability is that of {name(target.positive)}." if target.task == "binary" else ""
    yield Text(f"It answers {name(target.column)} with {_join_or(target.classes)}.{positive}{meaning}")


def _tell_data(facts: Facts) -> Iterator[Block]:
    snapshot, contract = facts.account["snapshot"], facts.contract
    period = f", from {snapshot['since']} to {snapshot['until']}" if snapshot["since"] else ""
    yield Heading("What it learnt from")
    yield Text(
        f"{count(snapshot['rows'], 'labelled row')}{period}. Snapshot {name(snapshot['fingerprint'] or 'unnamed')}, "
        f"Contract {name(facts.account['contract'])}: {count(len(contract.features), 'column')} are looked at."
    )
    shown = contract.features[:MOST_COLUMNS]
    yield Table(("column", "type", "in a row", "meaning"), tuple(_row_of_column(column) for column in shown))
    if len(shown) < len(contract.features):
        yield Text(f"And {count(len(contract.features) - len(shown), 'more column')}, which contract.toml lists.")
    if contract.rules:
        told = ", ".join(name(rule.name) for rule in contract.rules)
        yield Text(f"Rows must also keep {count(len(contract.rules), 'rule')}: {told}.")


def _row_of_column(column: Column) -> tuple[str, ...]:
    told = [tame(column.unit)] if column.unit else []
    if column.hard:
        told.append(f"{figure(column.hard[0])} to {figure(column.hard[1])}")
    if column.values:
        told.append(count(len(column.values), "value"))
    if column.pii:
        told.append("personal: hidden in this card")
    return name(column.name), column.type, "required" if column.required else "optional", ", ".join(told)


def _tell_choice(facts: Facts) -> Iterator[Block]:
    metric, tried = facts.choice["metric"], facts.choice["families"]
    yield Heading("Which families competed, and why this one")
    rows = tuple(_row_of_family(one, metric, chosen=one["name"] == facts.choice["chosen"]) for one in tried)
    yield Table(("family", "settings", f"{metric} on the test part", "trials"), rows)
    yield Bullets(tuple(tame(reason) for reason in facts.choice["reasons"]))
    drawn = {one["name"]: ends_of(read_interval(one["metrics"][metric])) for one in tried if not one["dropped"]}
    if len(drawn) > 1:
        chart = interval_chart(drawn, title=f"{metric} of each family on the test part", x_title=metric)
        yield Picture(chart, f"{metric} of each family with its interval, as in the table above")


def _row_of_family(tried: Mapping[str, Any], metric: str, *, chosen: bool) -> tuple[str, ...]:
    told = f"{name(tried['name'])}{' (chosen)' if chosen else ''}"
    if tried["dropped"]:
        return told, "", f"dropped: {tame(tried['dropped'])}", str(tried.get("trials", 1))
    settings = tame(list_settings(tried["params"])) or "none"
    return told, settings, spread(read_interval(tried["metrics"][metric])), str(tried.get("trials", 1))


def _tell_quality(facts: Facts) -> Iterator[Block]:
    evaluation, target = facts.evaluation, facts.contract.target
    sizes = ", ".join(f"{part} {facts.choice['rows'][part]:,}" for part in PARTS if part in facts.choice["rows"])
    yield Heading("How good it is")
    yield Text(
        f"Measured on the {count(evaluation.rows, 'row')} of the test part, which the measured fit had not seen (rows: "
        f"{sizes}). The stored model was then fitted with the same settings on all rows; its own quality is expected "
        "to be the same or a little better, and was not measured. Intervals are 95 % intervals."
    )
    reach = facts.choice.get("interval_quantile")
    if reach is not None:
        yield Text(
            f"Each answer comes with an interval, answer -/+ {figure(reach)}{facts.unit}, made to hold the truth "
            f"of {figure(100 * facts.choice['coverage'])} of 100 rows."
        )
    rows = tuple(
        (metric, spread(one), explain_metric(metric, one, evaluation, target, facts.unit))
        for metric, one in in_order(evaluation.metrics)
    )
    yield Table(("metric", "value [95 % interval]", "what it means here"), rows)


def _tell_decisions(facts: Facts) -> Iterator[Block]:
    evaluation, target = facts.evaluation, facts.contract.target
    if not evaluation.confusion:
        return
    yield Heading("What its decisions come to")
    if target.task == "binary":
        yield Text(f"A row is called {name(target.positive)} from probability {_threshold(facts)} on.")
        yield Text(tell_confusion(evaluation))
    rows = tuple(
        (one, spread(score), explain_decision(one, score, target)) for one, score in in_order(evaluation.decisions)
    )
    yield Table(("figure", "value [95 % interval]", "what it means here"), rows)
    header = ("truth", *(f"called {name(one)}" for one in evaluation.classes))
    cells = (
        (name(one), *(f"{cell:,}" for cell in row))
        for one, row in zip(evaluation.classes, evaluation.confusion, strict=True)
    )
    yield Table(header, tuple(cells))


def _tell_calibration(facts: Facts) -> Iterator[Block]:
    bins, map_ = facts.evaluation.calibration, facts.choice["calibration"]
    if not bins:
        return
    yield Heading("Are its probabilities honest?")
    kind = map_["kind"]
    fitted = (
        "Probabilities are as the family gives them" if kind == "identity" else f"Probabilities are mended ({kind})"
    )
    scores = ", ".join(f"{one} {figure(score)}" for one, score in map_.get("brier", {}).items())
    yield Text(f"{fitted}{f'; Brier scores that decided, on the calibration part: {scores}' if scores else ''}.")
    subject = "the likeliest class" if len(facts.evaluation.classes) > 2 else name(facts.contract.target.positive)
    yield Text(f"Where it states a probability of {subject}, this is how often that came true:")
    rows = tuple((f"{one.stated:.3f}", spread(one.happened), f"{one.happened.rows:,}") for one in bins)
    yield Table(("stated, on average", "happened [95 % interval]", "rows"), rows)
    top = max(1e-3, *(max(one.stated, one.happened.value) for one in bins))
    chart = line_chart(
        {"honest": [(0.0, 0.0), (top, top)], "answers": [(one.stated, one.happened.value) for one in bins]},
        title="Stated probability and what happened",
        x_title="stated probability",
        y_title="share that came true",
    )
    yield Picture(chart, "Calibration curve: the figures of the table above beside the diagonal")


def _tell_cost(facts: Facts) -> Iterator[Block]:
    cost, classes = facts.cost, facts.choice.get("class_costs") or []
    if facts.choice["threshold"] is None and not classes:
        return
    yield Heading("Threshold and cost")
    if classes:
        told = ", ".join(
            f"{name(one)} {figure(own)}" for one, own in zip(facts.evaluation.classes, classes, strict=True)
        )
        yield Text(f"Mistaking a row of a class costs: {told}. The class of the least expected cost is decided for.")
    else:
        yield Text(_tell_threshold(facts))
    if facts.evaluation.cost is not None:
        yield Text(f"On the test part, mistakes cost {spread(facts.evaluation.cost)} per 1,000 rows.")
    curve = facts.choice.get("cost_curve") or []
    if not curve or cost.get("target"):
        return
    step = max(1, (len(curve) - 1) // COST_STEPS)
    rows = tuple((f"{one['threshold']:.2f}", figure(one["cost"])) for one in curve[::step])
    yield Table(("threshold", "cost per 1,000 rows of the calibration part"), rows)
    chart = line_chart(
        {"cost": [(one["threshold"], one["cost"]) for one in curve]},
        title="What mistakes cost at each threshold",
        x_title="threshold",
        y_title="cost per 1,000 rows",
        marks=[Mark(facts.choice["threshold"], "chosen")],
    )
    yield Picture(chart, "Cost curve over thresholds from 0 to 1, with the chosen one")


def _tell_threshold(facts: Facts) -> str:
    cost, rows = facts.cost, count(facts.choice["rows"].get("calibration", 0), "calibration row")
    positive = name(facts.contract.target.positive)
    if cost.get("target"):
        wanted = ", ".join(f"a {tame(what)} of {figure(share)}" for what, share in cost["target"].items())
        return f"The threshold {_threshold(facts)} reaches {wanted} on {rows}, or comes as near as it can."
    return (
        f"The threshold {_threshold(facts)} is the cheapest on {rows}, where a false {positive} costs "
        f"{figure(cost['false_positive'])} and a missed one {figure(cost['false_negative'])}."
    )


def _threshold(facts: Facts) -> str:
    return f"{facts.choice['threshold']:.4f}"


def _join_or(classes: Sequence[str]) -> str:
    told = [name(one) for one in classes]
    return " or ".join([", ".join(told[:-1]), told[-1]]) if len(told) > 1 else "".join(told)
