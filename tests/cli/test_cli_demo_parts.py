"""The parts of the demonstration that need no server: the digits, the planted fault, the folder."""

from pathlib import Path

import pytest

from trimtab.demo import digits
from trimtab.demo.scores import Curves
from trimtab.demo.turn import project_folder
from trimtab.errors import UsageError


def test_all_digits_are_there_in_the_order_of_the_file() -> None:
    scans = digits.read_scans()
    assert len(scans) == 1797
    assert [scan.parity for scan in scans[:4]] == ["even", "odd", "even", "odd"]


def test_every_line_and_column_counts_the_same_ink() -> None:
    row = digits.measure_ink(digits.read_scans()[5])
    ink = list(row.values())
    assert sum(ink[:8]) == sum(ink[8:]) > 0
    assert list(row) == list(digits.FEATURES)


def test_slipped_digit_lost_its_lowest_line_only() -> None:
    scan = digits.read_scans()[0]
    slipped = digits.slip(scan)
    assert slipped.image[0] == (0,) * 8
    assert list(slipped.image[1:]) == list(scan.image[:-1])
    assert slipped.parity == scan.parity


def test_written_file_has_a_line_per_digit(tmp_path: Path) -> None:
    digits.write_scans(digits.read_scans()[:20], tmp_path / "scans.csv")
    lines = (tmp_path / "scans.csv").read_text().splitlines()
    assert len(lines) == 21
    assert lines[0].startswith("ink_line_1,ink_line_2,")
    assert lines[0].endswith(",parity")


def test_passing_folder_is_gone_afterwards() -> None:
    with project_folder(None) as folder:
        (folder / "something").write_text("x")
    assert not folder.exists()


def test_folder_with_something_in_it_is_refused(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("x")
    with pytest.raises(UsageError, match="not empty"), project_folder(tmp_path):
        pass
    assert (tmp_path / "mine").read_text() == "x"


def test_means_are_over_the_rows_that_a_later_version_answered() -> None:
    curves = Curves(served=(0.1, 0.3, 0.5), frozen=(0.1, 0.6, 0.9), rows=(100, 100, 50), replaced=(False, True, True))
    assert curves.mean(curves.served) == pytest.approx((0.3 * 100 + 0.5 * 50) / 150)
    assert curves.replaced_rows == 150


def test_means_are_over_all_rows_where_no_later_version_answered() -> None:
    curves = Curves(served=(0.1, 0.3), frozen=(0.1, 0.3), rows=(100, 300), replaced=(False, False))
    assert curves.mean(curves.served) == pytest.approx(0.25)
