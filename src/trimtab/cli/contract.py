"""`trimtab contract show` and `trimtab contract diff`."""

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Annotated

from cyclopts import App, Group, Parameter

from trimtab.cli.options import HERE, AsJson, ProjectFolder
from trimtab.cli.output import as_facts, show, show_table
from trimtab.config import load_contract
from trimtab.contract.compare import Change, breaks, compare_contracts
from trimtab.loop.state import Wheel, open_wheel
from trimtab.metrics.figures import count
from trimtab.nouns import Column, Contract, Version

contract = App(
    name="contract",
    help="Show the contract, or what changed in it and whether that breaks a Version.",
    usage="Usage: trimtab contract COMMAND ...",
    help_format="markdown",
    group_parameters="Options",
    group_commands=Group("Commands", sort_key=1),
)


class Shelf:
    """The Contracts that can be named: files, the project's own, and those of its Versions."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @cached_property
    def wheel(self) -> Wheel:
        """The project, opened when first asked for: two files can be compared without one."""
        return open_wheel(self.folder)

    def find(self, ref: str) -> Contract:
        """Return the Contract of a file, a project's folder, or a Version."""
        path = Path(ref)
        if path.is_dir() or path.is_file():
            return load_contract(path / "contract.toml" if path.is_dir() else path)
        return self.of_version(self.wheel.catalog.find_version(ref))

    def of_version(self, version: Version) -> Contract:
        """Return the Contract that a Version was fitted with."""
        return load_contract(self.wheel.blobs.path(version.id) / "contract.toml")

    def broken_by(self, new: Contract) -> Sequence[Version]:
        """Return the project's Versions that a Contract breaks, oldest first."""
        versions = self.wheel.catalog.versions()
        return [version for version in versions if breaks(compare_contracts(self.of_version(version), new))]


@contract.command(name="show")
def show_contract(
    ref: Annotated[str, Parameter(name="OTHER", help="A file or a Version; by default the project's.")] = "",
    /,
    *,
    project: ProjectFolder = HERE,
    as_json: AsJson = False,
) -> int:
    """Show a contract: its columns, its rules, its target, and the id that its content gives it."""
    shelf = Shelf(project)
    found = shelf.find(ref) if ref else shelf.wheel.contract
    if as_json:
        show((), {"id": found.id, **as_facts(found)}, as_json=True)
        return 0
    names = ("column", "type", "role", "required", "clean", "unit", "hard", "soft", "values", "missing", "pii")
    rows = [_cells(column) for column in found.columns]
    used = [place for place in range(len(names)) if place < 3 or any(row[place] for row in rows)]
    show_table([names[place] for place in used], [[row[place] for place in used] for row in rows])
    show(("", *_about(found)), {}, as_json=False)
    return 0


@contract.command(name="diff")
def diff(
    old: Annotated[
        str, Parameter(name="OTHER", help="The older one: a file or a Version; by default the champion.")
    ] = "",
    new: Annotated[str, Parameter(name="NEW", help="The newer one; by default the project's contract.toml.")] = "",
    /,
    *,
    project: ProjectFolder = HERE,
    as_json: AsJson = False,
) -> int:
    """Say what changed between two contracts, and whether it breaks Versions that were fitted before.

    Each change breaks, widens or narrows what is accepted, or is neutral. Exit code 1 where the champion is broken: its
    features mean something else now, or are gone, so train a new Version before rows come under the new contract.
    """
    shelf = Shelf(project)
    before = shelf.find(old or "champion")
    after = shelf.find(new) if new else shelf.wheel.contract
    changes = compare_contracts(before, after)
    broken = [] if new else shelf.broken_by(after)
    champion = None if new else shelf.wheel.catalog.standings().champion
    hurts = champion in {version.id for version in broken} if champion else breaks(changes)
    names = [version.name for version in broken]
    facts = {"old": before.id, "new": after.id, "changes": changes, "breaks": hurts, "broken_versions": names}
    show(_tell(changes, names, before, after), facts, as_json=as_json)
    return int(hurts)


def _tell(changes: Sequence[Change], broken: Sequence[str], before: Contract, after: Contract) -> list[str]:
    if not changes:
        return [f"Contract {after.id}: nothing changed."]
    told = [f"{before.id} -> {after.id}: {count(len(changes), 'change')}."]
    told += [f"  {change.effect:<8} {change.where}: {change.what}" for change in changes]
    if broken:
        told.append(f"Breaks {', '.join(broken)}: train a new Version before rows come under the new contract.")
    elif breaks(tuple(changes)):
        told.append("Breaks Versions that were fitted with the older one.")
    else:
        told.append("Breaks no Version.")
    return told


def _cells(column: Column) -> list[str]:
    ranges = {name: f"{limits[0]:g} to {limits[1]:g}" for name in ("hard", "soft") if (limits := getattr(column, name))}
    shown: Mapping[str, str] = {
        "required": "yes" if column.required else "",
        "clean": " ".join(column.clean),
        "values": f"{len(column.values)}, {column.unseen}" if column.values else "",
        "missing": "" if column.missing == "native" else f"{column.default}",
        "pii": "yes" if column.pii else "",
    }
    rest = ("required", "clean", "unit", "hard", "soft", "values", "missing", "pii")
    lookup = {**ranges, **shown, "unit": column.unit}
    return [column.name, column.type, column.role, *(lookup.get(name, "") for name in rest)]


def _about(found: Contract) -> list[str]:
    target, row = found.target, found.row
    classes = f" of {', '.join(target.classes)}" if target.classes else ""
    positive = f", positive is {target.positive}" if target.positive else ""
    told = [f"Target '{target.column}': {target.task}{classes}{positive}."]
    told += [f"Meaning: {target.meaning}"] if target.meaning else []
    told.append(f"Key: {', '.join(row.key) or 'none'}. Order: {row.order}. Time zone: {row.time_zone}.")
    told += [f"Rule '{rule.name}': {rule.where} (otherwise {rule.otherwise})." for rule in found.rules]
    told += [f"Rules for rows of '{source}': {count(len(columns), 'column')}." for source, columns in found.raw.items()]
    return [*told, f"Contract {found.id}."]
