"""`trimtab card`."""

import sys
from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import Parameter

from trimtab.cli.options import HERE, AsJson, Flag, ProjectFolder
from trimtab.cli.output import as_facts, progress, show
from trimtab.errors import UsageError
from trimtab.loop.card import CARD, CardCheck, read_card, read_rows, verify_card
from trimtab.loop.page import write_page
from trimtab.loop.state import Wheel, open_wheel
from trimtab.metrics.figures import count
from trimtab.nouns import Version
from trimtab.train.card import list_blocks, render_card

MOST_SHOWN = 20
LARGEST = 20_000_000


def card(
    version: Annotated[str, Parameter(name="VERSION", help="A Version: v7, an id, champion, previous, challenger.")],
    /,
    *,
    project: ProjectFolder = HERE,
    format: Annotated[Literal["md", "html"], Parameter(help="What to print: Markdown, or one HTML page.")] = "md",  # noqa: A002 - the flag's own word
    html: Annotated[Path | None, Parameter(help="Write the HTML page into this file instead.")] = None,
    overwrite: Annotated[bool, Parameter(help="Replace the file of --html where it exists."), Flag] = False,
    verify: Annotated[bool, Parameter(help="Make every number again from the record, and compare."), Flag] = False,
    file: Annotated[Path | None, Parameter(help="With --verify: the copy of the card to check.")] = None,
    as_json: AsJson = False,
) -> int:
    """Tell what a Version answers, how good that is, where it is wrong, and how to make it again.

    Exit code 1 where --verify finds a number that the record does not give. A changed word alone only changes the hash.
    """
    if file is not None and not verify:
        raise UsageError("--file names a card to check.", hint="add --verify")
    if html is not None and (verify or as_json or format == "html"):
        raise UsageError("--html FILE stands alone.", hint="leave out --verify, --json and --format")
    wheel = open_wheel(project)
    found = wheel.catalog.find_version(version)
    if verify:
        return _verify(wheel, found, file, as_json=as_json)
    files = read_card(wheel, found)
    rows = read_rows(wheel, found, files)
    if html is not None:
        _write_file(html, _page(files, rows, found), overwrite=overwrite)
        show((f"{html} is written.",), {}, as_json=False)
        return 0
    markdown = files[CARD].decode() if rows is None else render_card(files, rows)
    text = _page(files, rows, found) if format == "html" else markdown
    if as_json:
        show((), {"version": found.id, "name": found.name, "format": format, "card": text}, as_json=True)
    else:
        sys.stdout.write(text)
    return 0


def _verify(wheel: Wheel, version: Version, file: Path | None, *, as_json: bool) -> int:
    text = None if file is None else _read_file(file)
    with progress(f"Making the numbers of {version.name} again ...") as tell:
        check = verify_card(wheel, version, text, tell=tell)
    facts = {"version": version.id, "name": version.name, "file": file, **as_facts(check)}
    facts |= {"is_own": check.is_own, "holds": not check.differences}
    show(_tell_check(check, version, str(file or CARD)), facts, as_json=as_json)
    return int(bool(check.differences))


def _tell_check(check: CardCheck, version: Version, name: str) -> tuple[str, ...]:
    same = (
        f"the card of {version.name} to the letter" if check.is_own else f"not the card of {version.name} to the letter"
    )
    hash_line = f"Hash: {name} is {same} (sha256 {check.hash[:16]}...)."
    if not check.differences:
        return hash_line, f"Numbers: all {check.numbers:,} are what the record gives."
    shown = tuple(
        f"  line {one.line}, {one.section}: it says {one.stated or 'nothing'}, the record {one.recomputed or 'nothing'}"
        for one in check.differences[:MOST_SHOWN]
    )
    more = len(check.differences) - len(shown)
    rest = (f"  and {count(more, 'more difference')}",) if more else ()
    told = f"Numbers: {len(check.differences):,} of {check.numbers:,} are not what the record gives."
    return hash_line, told, *shown, *rest


def _page(files: dict[str, bytes], rows: Any, version: Version) -> str:
    return write_page(list_blocks(files, rows), footer=f"{version.name}, Version {version.id}, by trimtab.")


def _read_file(path: Path) -> bytes:
    try:
        if path.stat().st_size > LARGEST:
            raise UsageError(f"{path} is over {LARGEST:,} bytes: it is no card.")
        return path.read_bytes()
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}.", hint="give --file the path of a card") from error


def _write_file(path: Path, text: str, *, overwrite: bool) -> None:
    try:
        with path.open("w" if overwrite else "x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise UsageError(f"{path} exists already.", hint="add --overwrite, or name another file") from None
    except OSError as error:
        raise UsageError(
            f"{path} cannot be written: {error.strerror}.", hint="name a file in a folder of yours"
        ) from error
