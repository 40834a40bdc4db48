"""`trimtab demo`."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from trimtab.cli.journal import describe_decision
from trimtab.cli.options import AsJson
from trimtab.cli.output import progress, show
from trimtab.demo import run_demo


def demo(
    *,
    keep: Annotated[Path | None, Parameter(help="Empty or new folder where the project and the charts stay.")] = None,
    seed: Annotated[int, Parameter(help="Seed of everything that is drawn by chance.")] = 7,
    as_json: AsJson = False,
) -> int:
    """Turn the whole wheel on real data, in under a minute.

    Real handwritten digits are learnt, served over HTTP and measured; then the scanner changes (that part is planted,
    and it is said), the trigger fires, a new model is fitted, judged and promoted.

    Exit code 1 where a step was not reached.
    """
    with progress("The wheel, with real handwritten digits ...") as tell:
        shown = run_demo(keep=keep, seed=seed, tell=tell)
    journal = [line for decision in shown.decisions for line in describe_decision(decision, shown.names)]
    ending = [f"Not reached: {sentence}" for sentence in shown.missed] or ["Every step was reached."]
    told = [*shown.sentences, "", "The journal:", *journal, "", *ending, "Next:", *(f"  {line}" for line in shown.next)]
    show(told, shown.facts, as_json=as_json)
    return int(bool(shown.missed))
