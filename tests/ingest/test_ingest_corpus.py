"""A nasty corpus: whatever lies in the folder, each line is accounted for, and nothing crashes, hangs or fills up."""

from pathlib import Path

import polars as pl
import pytest
from tests.ingest.corpus import CORPUS

from trimtab.ingest import FileSource
from trimtab.nouns import SourceSpec
from trimtab.nouns.project import CsvForm


@pytest.mark.parametrize("name", CORPUS)
def test_every_line_of_the_corpus_is_accounted_for(tmp_path: Path, name: str) -> None:
    """Once, too: a second read finds nothing new, and a good file beside it is read."""
    nasty = CORPUS[name]
    data = nasty.data if isinstance(nasty.data, bytes) else nasty.data(tmp_path)
    (tmp_path / "nasty").write_bytes(data)
    spec = SourceSpec("rows", "files", tmp_path, format=nasty.format, csv=CsvForm(encoding=nasty.encoding))  # type: ignore[arg-type]
    chunks = list(FileSource(spec, finished=True).read(None))
    rejected = [one for chunk in chunks for one in chunk.rejected]
    assert (sum(chunk.frame.height for chunk in chunks), len(rejected)) == (nasty.accepted, nasty.rejected)
    assert pl.Series([one.line for one in rejected], dtype=pl.String).len() == nasty.rejected  # can be kept
    assert not rejected or nasty.words in rejected[0].reason
    assert all(len(one.line) <= 10_000 for one in rejected)
    assert list(FileSource(spec, finished=True).read(chunks[-1].position if chunks else None)) == []
