"""`trimtab versions`."""

from collections.abc import Mapping
from typing import Annotated

from cyclopts import Parameter

from trimtab.cli.options import HERE, AsJson, Flag, Folder
from trimtab.cli.output import as_facts, progress, show, show_table, suggest
from trimtab.errors import TrimtabError
from trimtab.loop.state import Wheel, open_wheel
from trimtab.nouns import Version
from trimtab.train.artefact import open_version
from trimtab.train.golden import try_version


def versions(
    folder: Folder = HERE,
    /,
    *,
    verify: Annotated[bool, Parameter(help="Check every file's hash and answer the golden rows again."), Flag] = False,
    as_json: AsJson = False,
) -> int:
    """List the Versions and what each one is now: champion, previous, challenger.

    Exit code 1 where --verify finds a Version that is not what it was when it was made.
    """
    wheel = open_wheel(folder)
    standings = find_standings(wheel)
    listed = [describe_version(version, standings) for version in wheel.catalog.versions()]
    if verify:
        with progress("Checking every Version ..."):
            listed = [{**facts, "fault": find_fault(wheel, str(facts["id"]))} for facts in listed]
    if as_json or not listed:
        show(("No Version yet.", suggest("train", folder)), {"versions": listed}, as_json=as_json)
    else:
        columns = ["name", "id", "standing", "family", "rows", "made_at", *(["fault"] if verify else [])]
        show_table([column.replace("_", " ") for column in columns], [_cells(facts, columns) for facts in listed])
    return int(any(facts.get("fault") for facts in listed))


def find_standings(wheel: Wheel) -> dict[str, str]:
    """Return what each Version is now, by id; one that is nothing in particular is absent."""
    now = wheel.catalog.standings()
    ids = {"challenger": now.challenger, "previous": now.previous, "champion": now.champion}
    return {id_: standing for standing, id_ in ids.items() if id_ is not None}


def describe_version(version: Version, standings: Mapping[str, str]) -> dict[str, object]:
    """Return a Version's facts for people and programs."""
    return {
        "name": version.name,
        "standing": standings.get(version.id, ""),
        "rows": version.snapshot.rows,
        **as_facts(version),
    }


def find_fault(wheel: Wheel, id: str) -> str:  # noqa: A002 - the noun's own word
    """Return what is wrong with a Version's files, or an empty text."""
    try:
        folder = wheel.blobs.path(id)
        open_version(folder, expect=id).close()
        return try_version(folder)
    except TrimtabError as error:
        return error.message


def _cells(facts: Mapping[str, object], columns: list[str]) -> list[str]:
    cells = {**facts, "made_at": str(facts["made_at"])[:16].replace("T", " "), "fault": facts.get("fault") or "none"}
    return [str(cells[column]) for column in columns]
