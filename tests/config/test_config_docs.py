import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from trimtab.config import load, parse_contract
from trimtab.config.contract_file import ContractFile
from trimtab.config.project_tables import ProjectFile
from trimtab.config.shapes import Later, Section, section_of

PAGE = Path(__file__).parents[2] / "docs" / "configuration.md"
BLOCKS = re.findall(r"```toml\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)


def built_keys(shape: type[Section], above: str = "") -> set[str]:
    found: set[str] = set()
    for name, field in shape.model_fields.items():
        if any(isinstance(mark, Later) for mark in field.metadata):
            continue
        inner = section_of(field.annotation)
        middle = "*." if inner and "dict[" in str(field.annotation) else ""
        found |= built_keys(inner, f"{above}{name}.{middle}") if inner else {f"{above}{name}"}
    return found


def written_keys(tables: dict[str, Any], shape: type[Section], above: str = "") -> set[str]:
    found: set[str] = set()
    for name, value in tables.items():
        inner = section_of(shape.model_fields[name].annotation)
        if inner and isinstance(value, list):
            found |= {key for table in value for key in written_keys(table, inner, f"{above}{name}.")}
        elif inner and "dict[" in str(shape.model_fields[name].annotation):
            found |= {key for table in value.values() for key in written_keys(table, inner, f"{above}{name}.*.")}
        else:
            found |= written_keys(value, inner, f"{above}{name}.") if inner else {f"{above}{name}"}
    return found


def test_the_page_shows_a_project_file_that_loads_to_the_defaults(tmp_path: Path) -> None:
    (tmp_path / "trimtab.toml").write_text(BLOCKS[0], encoding="utf-8")
    shown = load(tmp_path, {})
    assert [source.kind for source in shown.sources] == ["files", "database", "api"]
    (tmp_path / "trimtab.toml").write_text('format = 1\n[project]\nname = "flights"\n', encoding="utf-8")
    plain = load(tmp_path, {})
    for part in ("train", "cost", "monitor", "triggers", "trim", "retrain", "gates", "promote", "serve", "loop"):
        assert getattr(shown, part) == getattr(plain, part)


@pytest.mark.parametrize(("block", "shape"), [(0, ProjectFile), (1, ContractFile)])
def test_the_page_shows_every_key_that_is_built_and_no_other(block: int, shape: type[Section]) -> None:
    written = written_keys(tomllib.loads(BLOCKS[block]), shape)
    mirrored = {key for key in built_keys(shape) if key.startswith("raw.")}
    assert written | {"columns.*.default"} == built_keys(shape) - mirrored | {"columns.*.default"}


def test_the_page_shows_a_contract_that_parses() -> None:
    assert parse_contract(BLOCKS[1], "page").target.positive == "yes"


@pytest.mark.parametrize("shape", [ProjectFile, ContractFile])
def test_the_page_names_every_section_with_keys_not_built_yet(shape: type[Section]) -> None:
    page = PAGE.read_text(encoding="utf-8").split("## Not built yet")[1]
    for name, field in shape.model_fields.items():
        inner = section_of(field.annotation)
        later = [key for key, item in (inner.model_fields if inner else {}).items() if _waits(item.metadata)]
        assert not later or name in page
        if name not in {"pipeline", "features", "trim", "promote", "alerts", "engine", "tracking", "slices"}:
            assert [key for key in later if key not in page] == []


def _waits(metadata: list[Any]) -> bool:
    return any(isinstance(mark, Later) for mark in metadata)
