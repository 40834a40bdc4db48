"""`trimtab demo`."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from trimtab.cli.journal import describe_decision
from trimtab.cli.options import AsJson
from trimtab.cli.output import progress, show
from trimtab.demo.run import MONTHS, run_demo


def demo(
    *,
    keep: Annotated[Path | None, Parameter(help="Empty or new folder where the project and the charts stay.")] = None,
    seed: Annotated[int, Parameter(help="Seed of everything that is drawn by chance.")] = 7,
    months: Annotated[int, Parameter(help="How many months are asked, from March on: 1 to 10.")] = MONTHS,
    as_json: AsJson = False,
) -> int:
    """Turn the whole wheel on a year of real flights, in about five minutes.

    Two months are learnt; then, month by month, flights are asked over HTTP, their outcomes come in, the wheel turns.
    Once a challenger fitted on shuffled labels is proposed (that is planted, and it is said): it must be refused.

    Exit code 1 where something was not reached; it is said.
    """
    with progress("A year of flights from New York: real database, file drop, API, server ...") as tell:
        shown = run_demo(keep=keep, seed=seed, months=months, tell=tell, drills=keep is not None)
    journal = [line for decision in shown.decisions for line in describe_decision(decision, shown.names)]
    ending = [f"Not reached: {sentence}" for sentence in shown.missed] or ["Everything was reached."]
    told = [*shown.sentences, "", "The journal:", *journal, "", *ending, "Next:", *(f"  {line}" for line in shown.next)]
    show(told, shown.facts, as_json=as_json)
    return int(bool(shown.missed))
