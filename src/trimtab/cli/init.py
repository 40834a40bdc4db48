"""`trimtab init`."""

from functools import partial
from pathlib import Path
from typing import Annotated, Final

from cyclopts import Parameter

from trimtab.cli.options import HERE, AsJson, Folder
from trimtab.cli.output import progress, show, suggest
from trimtab.loop.begin import begin

Form: Final = partial(Parameter, show_default=False)
"""An option that says how a CSV file is written; by default it is found."""


def init(
    folder: Folder = HERE,
    /,
    *,
    data: Annotated[Path, Parameter(help="File of rows, CSV or Parquet. It stays where it is.")],
    target: Annotated[str, Parameter(help="Column with the answer that is to be predicted.")],
    time: Annotated[str | None, Parameter(help="Column with the moment at which the question is asked.")] = None,
    order: Annotated[str | None, Parameter(help="'file' where the rows stand in order of time without a time.")] = None,
    task: Annotated[str | None, Parameter(help="binary, multiclass or regression; else it is guessed.")] = None,
    delimiter: Annotated[str, Form(help="What stands between two values of a CSV file: one character, or tab.")] = "",
    encoding: Annotated[str, Form(help="How a CSV file's characters are written, such as utf-8 or cp1252.")] = "",
    quote: Annotated[str, Form(help="What stands around a value of a CSV file that holds a delimiter.")] = "",
    as_json: AsJson = False,
) -> int:
    """Make a project from one file of rows.

    Two files to read and edit appear in DIR: trimtab.toml declares the problem, contract.toml what a good row is.
    Everything that was guessed is printed, and stands as a comment in the file. The data is not copied.
    """
    form = {"delimiter": delimiter, "encoding": encoding, "quote": quote}
    with progress(f"Reading {data} ...") as tell:
        begun = begin(folder, data, target=target, time=time, order=order, task=task, form=form, tell=tell)
    facts = {"folder": folder, "contract_id": begun.contract.id, "contract": begun.contract, "notes": begun.sentences}
    written = f"{folder / 'trimtab.toml'} and {folder / 'contract.toml'} are written: read them, and correct what was"
    told = (*begun.sentences, f"{written} guessed wrong.", suggest("train", folder))
    show(told, facts, as_json=as_json)
    return 0
