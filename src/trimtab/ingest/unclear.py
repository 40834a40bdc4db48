"""What is said where a CSV file does not tell for certain how it is written."""

import json

from trimtab.errors import DataError

KEYS = ("delimiter", "encoding", "quote")


class UnclearForm(DataError):
    """How a CSV file is written is not certain. `settles` holds the keys that settle it, each with a guess or empty."""

    def __init__(self, message: str, **settles: str) -> None:
        self.settles = settles or dict.fromkeys(KEYS, "")
        keys = ", ".join(f"{key} = {json.dumps(value)}" if value else key for key, value in self.settles.items())
        hint = f"say how the file is written: csv = {{ ... }} with {keys}, under its [sources.NAME] in trimtab.toml"
        super().__init__(message, hint=hint)
