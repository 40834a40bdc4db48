"""The project of examples/flights in a folder of its own: copied, its addresses filled in, left usable at the end."""

import json
import re
import shutil
from collections.abc import Mapping
from pathlib import Path

import polars as pl

from trimtab import config
from trimtab.errors import HostError
from trimtab.ingest import open_source
from trimtab.loop.state import Wheel
from trimtab.nouns import canonical

FILES = ("trimtab.toml", "contract.toml", "pipeline.sql", "attestations.toml", "README.md")
PLANES = "planes.parquet"
SETTLED = f"""[sources.planes]                  # during the demonstration an API; it is gone, this is what it said
kind = "files"
path = "{PLANES}"
format = "parquet"
key = ["tailnum"]
"""


def find_example() -> Path:
    """Return where the project of the demonstration stands: beside this file as installed, or in the repository."""
    here = Path(__file__).parent
    places = (here / "example", here.parents[2] / "examples" / "flights")
    found = next((place for place in places if (place / "trimtab.toml").exists()), None)
    if found is None:
        raise HostError("The files of examples/flights are not installed.", hint="install trimtab again")
    return found


def copy_project(folder: Path, addresses: Mapping[str, str], *, seed: int) -> None:
    """Copy the project into `folder`, with the addresses in place of the variables, so that it works without them."""
    example = find_example()
    for name in FILES:
        shutil.copyfile(example / name, folder / name)
    declared = folder / "trimtab.toml"
    text = declared.read_text(encoding="utf-8")
    for variable, address in addresses.items():
        text = text.replace(f'"env:{variable}"', json.dumps(address, ensure_ascii=False))
    declared.write_text(re.sub(r"(?m)^seed = \d+", f"seed = {seed}", text), encoding="utf-8")


def settle_planes(wheel: Wheel) -> None:
    """Let the source of planes be a file, because its API ends with the demonstration; none of its rows is new.

    The file holds what the API said. Its position follows the API's in the table, as if the file had been read.
    """
    folder = wheel.project.folder
    known = wheel.lake.read("raw/planes").collect()
    rows = known.select(pl.exclude("_row", "_offset", "_arrived_at"))
    rows.write_parquet(folder / PLANES)
    declared = folder / "trimtab.toml"
    text = declared.read_text(encoding="utf-8")
    settled = re.sub(r"(?ms)^\[sources\.planes\].*?(?=^\[)", lambda _: SETTLED + "\n", text)
    declared.write_text(settled, encoding="utf-8")
    spec = next(one for one in config.load(folder).sources if one.name == "planes")
    *_, last = open_source(spec).read({"next_row": known.height})
    wheel.lake.append(
        "raw/planes", known.clear(), app="settled", number=0, metadata={"position": canonical(last.position)}
    )
