"""`python -m trimtab.serve.relay FOLDER ID`: print one logged Prediction of the lake as JSON, or nothing.

A serving worker starts this for a Prediction that has left the spool, and so never loads the lake's libraries itself.
"""

import sys
from datetime import datetime
from pathlib import Path

from trimtab import config
from trimtab.errors import TrimtabError
from trimtab.store import open_lake
from trimtab.store.record import json_text, rfc3339


def main(folder: str, identifier: str) -> int:
    """Print the record and return the exit code."""
    try:
        record = open_lake(config.load(Path(folder))).find_prediction(identifier)
    except TrimtabError as error:
        sys.stderr.write(f"{error.message}\n")
        return error.exit_code
    if record is not None:
        plain = {name: rfc3339(value) if isinstance(value, datetime) else value for name, value in record.items()}
        sys.stdout.write(json_text(plain) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2]))
