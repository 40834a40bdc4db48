"""A record in a folder of its own, at a moment that the test chooses."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from trimtab.path.record import Record, open_record

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
Opened = Callable[..., Record]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the record; commands that are called in this process use it too."""
    folder = tmp_path / "home"
    monkeypatch.setenv("TRIMTAB_PATH_HOME", str(folder))
    return folder


@pytest.fixture
def opened(home: Path) -> Opened:
    """Open the record as of some days, hours or minutes after noon of 2 March 2026."""

    def open_then(**later: float) -> Record:
        return open_record(NOON + timedelta(**later))

    return open_then
