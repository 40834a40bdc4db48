"""What `trimtab replay` and `trimtab demo` refuse, before any work is done."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from trimtab.cli import main
from trimtab.cli.replay import read_batch, read_start
from trimtab.errors import UsageError


@pytest.mark.parametrize(("text", "size"), [("", 0), ("month", "month"), ("500", 500)])
def test_batch_is_a_month_or_a_number_of_rows(text: str, size: str | int) -> None:
    assert read_batch(text) == size


@pytest.mark.parametrize("text", ["week", "0", "-5", "1.5"])
def test_other_batches_are_refused(text: str) -> None:
    with pytest.raises(UsageError, match=r"neither 'month' nor a number"):
        read_batch(text)


def test_start_is_a_date_or_a_moment() -> None:
    noon = datetime(2013, 3, 1, 12, tzinfo=UTC)
    assert read_start("") is None
    assert read_start("2013-03-01") == noon.replace(hour=0)
    assert read_start("2013-03-01T12:00:00Z") == noon


def test_start_without_a_zone_is_refused() -> None:
    with pytest.raises(UsageError):
        read_start("2013-03-01T12:00:00")


def test_replay_without_a_project_says_what_to_do(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["replay", str(tmp_path)]) == 2
    assert "is no trimtab project" in capsys.readouterr().err


def test_no_policy_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["replay", str(tmp_path), "--policies", ","]) == 2
    assert "governed, never, always" in capsys.readouterr().err


@pytest.mark.parametrize("months", ["0", "11"])
def test_demo_has_one_to_ten_months(months: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["demo", "--months", months]) == 2
    told = capsys.readouterr().err
    assert "1 to 10 months" in told
    assert told.startswith("A year of flights")  # a first line comes at once, whatever follows
