"""The sections of a card, second half: where it is wrong, on what it relies, when it goes stale, how it was made."""

from collections.abc import Iterator, Sequence
from math import isfinite

from trimtab import metrics
from trimtab.charts import interval_chart, line_chart
from trimtab.metrics.compare import NORMAL_975
from trimtab.metrics.evaluation import Evaluation, Later
from trimtab.metrics.figures import count, list_settings, spread
from trimtab.metrics.slices import Slice
from trimtab.nouns import Interval
from trimtab.train.card_facts import MOST_COLUMNS, Facts, ends_of, read_interval
from trimtab.train.card_mistakes import tell_mistakes
from trimtab.train.choice import tell_warnings
from trimtab.train.sheet import Block, Bullets, Code, Heading, Picture, Table, Text, name, tame

MOST_DRAWN = 12


def tell_limits(facts: Facts) -> Iterator[Block]:
    """Yield the blocks of the second half."""
    for section in (
        _tell_slices,
        tell_mistakes,
        _tell_importance,
        _tell_age,
        _tell_leakage,
        _tell_limits,
        _tell_making,
    ):
        yield from section(facts)


def _tell_slices(facts: Facts) -> Iterator[Block]:
    evaluation = facts.evaluation
    yield Heading("Where it is worse")
    if evaluation.worst:
        yield Text(
            f"The worst of {count(evaluation.candidates, 'slice')} of one or two columns. One half of the test rows "
            "served to find them, the other half to measure them, with intervals that hold for all of them together."
        )
        yield _table_slices(evaluation.worst, evaluation)
        yield _draw_slices(evaluation.worst, evaluation, "How much more a row of the worst slices loses")
    else:
        yield Text(
            f"None of {count(evaluation.candidates, 'slice')} of one or two columns could be shown to be worse than "
            "the rest: what one half of the test rows suggested, the other half did not confirm."
        )
    if evaluation.slices:
        yield Text("The slices that [slices] by declares, on all test rows:")
        yield _table_slices(evaluation.slices, evaluation)


def _table_slices(slices: Sequence[Slice], evaluation: Evaluation) -> Table:
    extra = [one for one in ("precision", "recall") if len(evaluation.classes) == 2]
    header = ("slice", "rows", evaluation.loss, "difference to the rest", *extra)
    rows = (
        (
            _name_slice(one),
            f"{one.rows:,}",
            spread(one.loss),
            spread(one.difference),
            *(spread(one.metrics[own]) if own in one.metrics else "undefined" for own in extra),
        )
        for one in slices
    )
    return Table(header, tuple(rows))


def _draw_slices(slices: Sequence[Slice], evaluation: Evaluation, title: str) -> Picture:
    drawn = {_plain_slice(one): ends_of(one.difference) for one in slices[:MOST_DRAWN]}
    chart = interval_chart(drawn, title=title, x_title=f"difference in {evaluation.loss} to all other rows", zero=True)
    return Picture(chart, "Differences of the slices above, with their intervals")


def _name_slice(one: Slice) -> str:
    return " and ".join(f"{name(column)} is {name(value)}" for column, value in one.where.items())


def _plain_slice(one: Slice) -> str:
    return ", ".join(f"{tame(column)} {tame(value)}" for column, value in one.where.items())


def _tell_importance(facts: Facts) -> Iterator[Block]:
    importance, loss = facts.evaluation.importance, facts.evaluation.loss
    if not importance:
        return
    yield Heading("Which columns it relies on")
    yield Text(
        f"How much more {loss} the mean test row costs when a column's values are given to other rows. What two "
        "columns both tell counts for neither."
    )
    rows = tuple((name(one.column), spread(one.loss)) for one in importance[:MOST_COLUMNS])
    yield Table(("column", f"more {loss} without it [95 % interval]"), rows)
    drawn = {tame(one.column): ends_of(one.loss) for one in importance[:MOST_DRAWN]}
    chart = interval_chart(drawn, title="Which columns it relies on", x_title=f"more {loss} without it", zero=True)
    yield Picture(chart, "Permutation importance of the columns, as in the table above")


def _tell_age(facts: Facts) -> Iterator[Block]:
    later, metric = facts.evaluation.later, facts.evaluation.aging
    yield Heading("When it goes stale")
    if not later:
        why = "the rows have no order" if facts.contract.row.order == "none" else "there are too few later rows"
        yield Text(f"Unknown: {why}, so that no fit could be followed over time.")
        return
    yield Text(
        f"The same recipe, fitted on the {count(facts.choice['rows']['train'], 'row')} of the train part only, answers "
        "the rows that came after; nothing is fitted again. Beside it stands an answer that looks at no column."
    )
    rows = tuple(
        (str(place), one.since, one.until, f"{one.score.rows:,}", spread(one.score), spread(one.base))
        for place, one in enumerate(later, start=1)
    )
    yield Table(("stretch", "from", "to", "rows", metric, f"{metric} without columns"), rows)
    yield Text(_tell_trend(later, metric))
    chart = line_chart(
        {
            "fitted once": [(place, one.score.value) for place, one in enumerate(later, start=1)],
            "no columns": [(place, one.base.value) for place, one in enumerate(later, start=1)],
        },
        title="A fit that is never repeated",
        x_title="stretch after the train part",
        y_title=metric,
    )
    yield Picture(chart, "The metric on each later stretch, as in the table above")


def _tell_trend(later: Sequence[Later], metric: str) -> str:
    first = later[0].score
    sign = -1.0 if any(one.name == metric and one.bigger_is_better for one in metrics.BUILT_IN) else 1.0
    for place, one in enumerate(later[1:], start=2):
        worse = sign * (one.score.value - first.value)
        if worse > 0 and worse > NORMAL_975 * (_error(one.score) ** 2 + _error(first) ** 2) ** 0.5:
            return (
                f"It was worse than at first from stretch {place} on, which begins {one.since}: {metric} "
                f"{spread(one.score)} after {spread(first)}."
            )
    return f"Over these {len(later)} stretches no loss of quality is certain; later than that nobody has looked."


def _tell_leakage(facts: Facts) -> Iterator[Block]:
    found = facts.choice.get("leakage")
    leaks = [warning.split(":") for warning in facts.choice["warnings"] if warning.startswith("leak:")]
    if not found and not leaks:
        return
    yield Heading("What would have flattered it")
    if found:
        yield Text(
            f"Split by chance instead of by time, the same recipe would have claimed a {found['metric']} of "
            f"{spread(read_interval(found['claimed']))}; the truth in time is {spread(read_interval(found['true']))} "
            f"(both learnt from {count(found['rows'], 'row')})."
        )
    for parts in leaks:
        yield Text(
            f"Column {name(':'.join(parts[1:-1]))} alone tells {parts[-1]} of the target: is it really known when the "
            "question is asked?"
        )


def _tell_limits(facts: Facts) -> Iterator[Block]:
    lines = [
        "It knows nothing about rows that differ from those it learnt from; trimtab status shows how it does now.",
        "Rows count as independent. Rows of one customer or one hour are not quite, so intervals are then too narrow.",
    ]
    warnings = facts.choice["warnings"]
    if facts.contract.row.order == "none":
        lines.append("The rows had no order, so the parts were drawn by chance: a change over time was not tested.")
    if "no_better_than_baseline" in warnings:
        lines.append("It is not better than an answer that looks at no column (within one standard error).")
    if facts.evaluation.rows < 500:
        lines.append(
            f"The test part has {count(facts.evaluation.rows, 'row')} only: read the intervals, not the values."
        )
    told = [one for one in warnings if one != "no_better_than_baseline" and not one.startswith("leak:")]
    yield Heading("Limits")
    yield Bullets((*lines, *(f"{tame(sentence[:1].upper() + sentence[1:])}." for sentence in tell_warnings(told))))


def _tell_making(facts: Facts) -> Iterator[Block]:
    account, recipe = facts.account, facts.choice["recipe"]
    how = "The recipe was given, not searched" if account["repeated"] else "The recipe was searched for"
    settings = tame(list_settings(recipe["params"])) or "no settings"
    yield Heading("How it was made, and how to make it again")
    yield Text(f"{how}: {name(recipe['family'])} with {settings}, seed {facts.choice['seed']}.")
    yield Text("In the project's folder, where VERSION is this Version's name or id, which trimtab versions lists:")
    yield Code(
        (
            "trimtab versions --verify",
            "trimtab card VERSION --verify",
            "trimtab train",
        )
    )
    yield Bullets(
        (
            "The first checks every file's hash and asks the Version its golden rows.",
            "The second makes every number of this card again: same rows of the Snapshot, same fits, same test part.",
            "The third repeats the whole contest on what is known now.",
        )
    )
    libraries = ", ".join(f"{one} {version}" for one, version in sorted(facts.environment["libraries"].items()))
    yield Text(
        f"The same Snapshot, recipe and seed give the same files on one kind of machine with the same libraries. This "
        f"one: Python {facts.environment['python']}, {facts.environment['machine']}, {libraries}."
    )


def _error(one: Interval) -> float:
    return (one.high - one.low) / (2 * NORMAL_975) if isfinite(one.high - one.low) else 0.0
