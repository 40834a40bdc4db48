"""`python -m trimtab.serve.relay FOLDER ID WHAT`: print one logged Prediction as JSON, or its explanation, or nothing.

A serving worker starts this for a Prediction that has left the spool, or that an earlier epoch gave, and so never loads
the lake's libraries itself, nor Versions that do not answer.
"""

import sys
from collections.abc import Mapping
from contextlib import closing
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from trimtab import config
from trimtab.errors import TrimtabError
from trimtab.nouns import Project
from trimtab.serve.explain import explain_record
from trimtab.serve.live import Shelf
from trimtab.store import open_blobs, open_catalog, open_lake, spool_folder
from trimtab.store.record import json_text, rfc3339
from trimtab.store.spool import find_spooled


def main(folder: str, identifier: str, what: str) -> int:
    """Print what is asked for and return the exit code."""
    try:
        project = config.load(Path(folder))
        record = find_record(project, identifier)
        told = record if record is None or what == "record" else explain(project, record)
    except TrimtabError as error:
        sys.stderr.write(f"{error.message}\n")
        return error.exit_code
    if told is not None:
        sys.stdout.write(json_text(told) + "\n")
    return 0


def find_record(project: Project, identifier: str) -> dict[str, Any] | None:
    """Return a logged Prediction of the spool or the lake, or None."""
    body = find_spooled(spool_folder(project), "prediction", identifier)
    if body is not None:
        spooled: dict[str, Any] = msgspec.json.decode(body)
        return spooled
    record = open_lake(project).find_prediction(identifier)
    if record is None:
        return None
    return {name: rfc3339(value) if isinstance(value, datetime) else value for name, value in record.items()}


def explain(project: Project, record: Mapping[str, Any]) -> dict[str, Any]:
    """Return what moved a logged answer, with the Versions of its epoch."""
    with closing(open_catalog(project)) as catalog:
        shelf = Shelf(catalog, open_blobs(project), lambda _: "")  # hashes are checked; golden rows are for promotion
        return explain_record(partial(shelf.open_past, record), record)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:4]))
