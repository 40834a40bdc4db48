"""Whatever happened to the bytes of a Version, it is refused, and nothing in it is run."""

import json
import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from trimtab.errors import VersionError
from trimtab.train.artefact import open_version
from trimtab.train.manifest import MOST_BYTES, write_manifest

FLIPS = 150
"""A third for each family, over all files in turn."""


@pytest.fixture
def copy(make_version: Any, tmp_path: Path) -> Any:
    def make(family: str = "boosting") -> Any:
        folder = tmp_path / "copy"
        shutil.copytree(make_version(family)[1], folder)
        return folder

    return make


def reseal(folder: Path, name: str, data: bytes) -> Any:
    """Change a file as somebody would who also writes the manifest anew: every hash fits."""
    (folder / name).write_bytes(data)
    (folder / "manifest.json").unlink()
    return write_manifest(folder)


@pytest.mark.parametrize("family", ["baseline", "linear", "boosting", "ensemble"])
def test_one_changed_byte_anywhere_is_refused(family: str, copy: Any) -> None:
    folder, chance = copy(family), np.random.default_rng(2)
    paths = sorted(folder.iterdir())
    for turn in range(FLIPS // 3):
        path = paths[turn % len(paths)]
        good = path.read_bytes()
        place = int(chance.integers(len(good)))
        path.write_bytes(good[:place] + bytes([good[place] ^ int(chance.integers(1, 256))]) + good[place + 1 :])
        with pytest.raises(VersionError):
            open_version(folder)
        path.write_bytes(good)
    open_version(folder).close()


def test_every_truncated_or_longer_file_is_refused(copy: Any) -> None:
    folder = copy()
    for path in sorted(folder.iterdir()):
        good = path.read_bytes()
        for bad in (b"", good[: len(good) // 2], good[:-1], good + b"\n"):
            path.write_bytes(bad)
            with pytest.raises(VersionError):
                open_version(folder)
        path.write_bytes(good)


def test_swapped_files_are_refused(copy: Any) -> None:
    folder = copy()
    a, b = folder / "threshold.json", folder / "calibration.json"
    first, second = a.read_bytes(), b.read_bytes()
    a.write_bytes(second)
    b.write_bytes(first)
    with pytest.raises(VersionError, match="altered"):
        open_version(folder)


def test_missing_and_extra_files_are_named(copy: Any) -> None:
    folder = copy()
    (folder / "card.md").rename(folder / "extra.pkl")
    with pytest.raises(VersionError, match=r"not in the manifest: extra\.pkl"):
        open_version(folder)


def test_a_version_that_is_not_the_expected_one_is_refused(make_version: Any) -> None:
    _, folder, identifier = make_version("baseline")
    with pytest.raises(VersionError, match=f"is {identifier}, not 0123456789ab"):
        open_version(folder, expect="0123456789ab")


def test_no_folder_at_all_is_a_version_error(tmp_path: Path) -> None:
    with pytest.raises(VersionError, match=r"manifest\.json cannot be opened"):
        open_version(tmp_path / "nowhere")


@pytest.mark.parametrize(
    "name", ["../card.md", "/etc/hostname", "model.pkl", "a/b.json", ".hidden.json", "manifest.json", "Model.txt"]
)
def test_names_with_paths_or_other_kinds_are_refused(name: str, copy: Any) -> None:
    folder = copy()
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["files"][name] = "0" * 64
    (folder / "manifest.json").write_text(json.dumps(manifest, sort_keys=True, separators=(",", ":")))
    with pytest.raises(VersionError, match="names not allowed"):
        open_version(folder)


def test_a_link_is_not_followed(copy: Any, tmp_path: Path) -> None:
    folder = copy()
    (folder / "card.md").rename(tmp_path / "card.md")
    (folder / "card.md").symlink_to(tmp_path / "card.md")
    with pytest.raises(VersionError, match=r"card\.md cannot be opened"):
        open_version(folder)


def test_a_pipe_does_not_block_the_reader(copy: Any) -> None:
    folder = copy()
    (folder / "card.md").unlink()
    os.mkfifo(folder / "card.md")
    with pytest.raises(VersionError, match="no regular file"):
        open_version(folder)


def test_a_huge_file_is_refused_before_it_is_read(copy: Any) -> None:
    folder = copy()
    with (folder / "model.txt").open("r+b") as file:
        file.truncate(MOST_BYTES + 1)
    with pytest.raises(VersionError, match="over 200,000,000 bytes"):
        open_version(folder)


@pytest.mark.parametrize(
    "data",
    [b"[]", b"{}", b'{"format":1}', b'{"files":[],"format":1}', b"\xff", b"[" * 100_000, b'{"format":2,"files":{}}'],
)
def test_a_manifest_of_another_kind_is_refused(data: bytes, copy: Any) -> None:
    folder = copy()
    (folder / "manifest.json").write_bytes(data)
    with pytest.raises(VersionError, match=r"manifest\.json"):
        open_version(folder)


@pytest.mark.parametrize("family", ["os:abort", "pickle:loads", "nothing"])
def test_a_family_that_is_not_installed_is_never_imported(family: str, copy: Any) -> None:
    folder = copy()
    metrics = json.loads((folder / "metrics.json").read_text())
    metrics["recipe"]["family"] = family
    reseal(folder, "metrics.json", json.dumps(metrics).encode())
    with pytest.raises(VersionError):
        open_version(folder)


@pytest.mark.parametrize(
    "name",
    [
        "contract.toml",
        "encoder.json",
        "metrics.json",
        "threshold.json",
        "calibration.json",
        "profile.json",
        "model.txt",
    ],
)
@pytest.mark.parametrize("data", [b"", b"{}", b"\xff\xfe", b"\x80\x04N.", b"null"])
def test_wrong_contents_with_right_hashes_are_refused(name: str, data: bytes, copy: Any) -> None:
    folder = copy()
    reseal(folder, name, data)
    with pytest.raises(VersionError):
        open_version(folder)


def test_a_pickle_leaves_no_marker(copy: Any, tmp_path: Path) -> None:
    marker = tmp_path / "marker"
    bomb = b"cos\nsystem\n(S'touch " + str(marker).encode() + b"'\ntR."
    folder = copy()
    reseal(folder, "model.txt", bomb)
    with pytest.raises(VersionError):
        open_version(folder)
    assert not marker.exists()
