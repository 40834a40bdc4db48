"""Whether a file is what its source is thought to hold, told by the names of its columns.

A file that is read in the wrong form, a page of HTML or an error message under the name of a table give rows without a
single value that anybody asked for. They would pass wherever columns are optional, and so they are refused. What the
first line of such a file holds is not told: it may be somebody's data.
"""

from collections.abc import Collection, Iterable, Sequence

from trimtab.errors import DataError
from trimtab.ingest.unclear import UnclearForm
from trimtab.metrics.figures import count

DELIMITERS = (",", ";", "\t", "|")
SHOWN = 100


class StrangeFile(DataError):
    """A file has none of the columns that its source is asked for."""


def refuse_strange(names: Collection[str], expected: Collection[str], where: str) -> None:
    """Raise StrangeFile where a file has none of the expected columns; nothing is expected: any will do."""
    if expected and not set(names) & set(expected):
        raise StrangeFile(
            f"{where} has none of the columns that are asked for ({_list(sorted(expected))}).",
            hint="is it a file of this source? If its columns have other names now, edit contract.toml",
        )


def refuse_misread(
    names: Sequence[str], lines: Sequence[str], expected: Collection[str], delimiter: str, where: str
) -> None:
    """Raise UnclearForm where a CSV file may be written with another delimiter than the declared one.

    `lines` are its header and the first line behind it. Another delimiter is as good when it finds as many of the
    expected columns; where none are expected, when it alone divides the header, and the next line as often.
    """
    wanted = set(expected)
    found = len(set(names) & wanted)
    for other in DELIMITERS:
        parts = [_divide(line, other) for line in lines]
        hits, width = len(set(parts[0]) & wanted), len(parts[0])
        as_good = hits >= max(found, 1) if wanted else len(names) == 1 and len(parts[-1]) == width
        if other != delimiter and width > 1 and as_good:
            read = f"{count(len(names), 'column')} with {_name(delimiter)}"
            raise UnclearForm(
                f"{where} is read as {read}, and may as well be {width:,} with {_name(other)}.", delimiter=other
            )


def _divide(line: str, delimiter: str) -> list[str]:
    return [part.strip().strip("\"'") for part in line.split(delimiter)]


def _name(delimiter: str) -> str:
    return "tabs" if delimiter == "\t" else f"'{delimiter}'"


def _list(names: Iterable[str]) -> str:
    told = ", ".join(names)
    return told if len(told) <= SHOWN else f"{told[:SHOWN]}..."
