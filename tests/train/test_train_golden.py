"""A Version must repeat its golden rows in a limited child; a model that misbehaves there is only a sentence here."""

import json
import math
import pickle
import re
import shutil
import time
from pathlib import Path
from typing import Any

import pytest

from trimtab.nouns import Task
from trimtab.train.artefact import open_version
from trimtab.train.golden import ROWS, UNSEEN, check_golden, try_version
from trimtab.train.manifest import write_manifest


@pytest.fixture
def alter(make_version: Any, tmp_path: Path) -> Any:
    def make(family: str, name: str, change: Any) -> Any:
        """Copy a Version, change one file and write the manifest anew, so that every hash fits."""
        folder = tmp_path / "altered"
        shutil.copytree(make_version(family)[1], folder)
        (folder / name).write_bytes(change((folder / name).read_bytes()))
        (folder / "manifest.json").unlink()
        write_manifest(folder)
        return folder

    return make


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
@pytest.mark.parametrize("family", ["baseline", "linear", "boosting", "ensemble"])
def test_a_good_version_repeats_its_golden_rows(family: str, task: Task, make_version: Any) -> None:
    _, folder, _ = make_version(family, task)
    package = open_version(folder)
    assert check_golden(package, (folder / "golden.jsonl").read_bytes()) == ""


@pytest.mark.parametrize("family", ["baseline", "linear", "boosting", "ensemble"])
def test_the_child_says_nothing_of_a_good_version(family: str, make_version: Any) -> None:
    assert try_version(make_version(family)[1]) == ""


def test_golden_rows_hold_nulls_and_the_unseen(make_version: Any) -> None:
    rows = [json.loads(line)["row"] for line in (make_version("boosting")[1] / "golden.jsonl").read_text().splitlines()]
    assert len(rows) == ROWS
    assert sum(row["carrier"] == UNSEEN for row in rows) == 5
    assert sum(row["size (cm)"] is None for row in rows) >= 5
    assert all(row["rooms"] is not None for row in rows)


def test_golden_rows_are_nobodys(make_version: Any, make_world: Any) -> None:
    """No number in a golden row is one that a single row of the data has; the rows are all different."""
    frame = make_world("binary").frame
    rows = [json.loads(line)["row"] for line in (make_version("linear")[1] / "golden.jsonl").read_text().splitlines()]
    sizes = set(frame["size (cm)"]) - {None}
    assert len({row["size (cm)"] for row in rows}) > ROWS // 2
    assert not {row["size (cm)"] for row in rows} & sizes
    assert {row["rooms"] for row in rows} <= set(range(1, 9))
    assert len({(row["rooms"], row["asked"], row["carrier"]) for row in rows}) == ROWS


def test_the_last_bit_of_an_answer_counts(alter: Any) -> None:
    def nudge(text: bytes) -> Any:
        first, *others = text.splitlines()
        line = json.loads(first)
        line["answer"] = math.nextafter(line["answer"], 1.0)
        return b"\n".join([json.dumps(line).encode(), *others])

    assert "golden row 1 is answered" in try_version(alter("boosting", "golden.jsonl", nudge))


def test_an_answer_that_differs_is_told_with_its_row(make_version: Any) -> None:
    package = open_version(make_version("linear")[1])
    text = (make_version("linear")[1] / "golden.jsonl").read_text()
    answers = [json.loads(line)["answer"] for line in text.splitlines()]
    altered = text.replace(repr(answers[4]), repr(math.nextafter(answers[4], 1.0)))
    assert check_golden(package, altered.encode()).startswith("golden row 5 is answered")
    assert check_golden(package, b"") == "there are no golden rows"


def test_a_version_without_golden_rows_is_not_trusted(alter: Any) -> None:
    assert try_version(alter("baseline", "golden.jsonl", lambda _: b"")) == "there are no golden rows"


def test_an_altered_file_is_told_by_the_child(alter: Any) -> None:
    folder = alter("baseline", "card.md", lambda text: text)
    (folder / "card.md").write_text("better than it is")
    assert "card.md was altered" in try_version(folder)


def test_a_folder_that_is_not_there_is_a_sentence(tmp_path: Path) -> None:
    assert "cannot be opened" in try_version(tmp_path / "nowhere")


def test_a_model_that_kills_its_process_is_a_sentence(alter: Any) -> None:
    """A tree cut short makes LightGBM's parser abort the whole process: exactly what a worker must not meet."""
    folder = alter("boosting", "model.txt", lambda text: text[: text.index(b"leaf_value")])
    assert re.fullmatch(r"the process that loaded the model was ended by SIG(SEGV|ABRT)", try_version(folder))


def test_a_model_that_never_answers_is_stopped(alter: Any) -> None:
    """Both children of the root are the root: LightGBM walks in a circle."""

    def tie(text: bytes) -> Any:
        return re.sub(rb"(left|right)_child=([^\n]*)", lambda found: found[1] + b"_child=" + _zeros(found[2]), text)

    start = time.monotonic()
    said = try_version(alter("boosting", "model.txt", tie), seconds=1.5)
    assert said == "the model did not answer its golden rows within 1.5 seconds"
    assert time.monotonic() - start < 6


def _zeros(numbers: Any) -> Any:
    """Return as many zeros, each as long as the number that it replaces: tree sizes in bytes must stay."""
    return b" ".join(b"0" * len(number) for number in numbers.split())


def test_a_model_that_eats_memory_is_stopped(alter: Any) -> None:
    assert "allocate" in try_version(alter("linear", "model.onnx", _add_bomb))


def _add_bomb(graph: Any) -> Any:
    """Return the graph with 16 GB of zeros in it."""
    import numpy as np
    import onnx

    model = onnx.load_model_from_string(graph)
    size = onnx.numpy_helper.from_array(np.array([4_000_000_000], dtype=np.int64), "size")
    model.graph.initializer.append(size)
    model.graph.node.append(onnx.helper.make_node("ConstantOfShape", ["size"], ["zeros"]))
    model.graph.node.append(onnx.helper.make_node("ReduceSum", ["zeros"], ["sum"], keepdims=0))
    model.graph.output.insert(0, onnx.helper.make_tensor_value_info("sum", onnx.TensorProto.FLOAT, []))
    return model.SerializeToString()


def test_a_pickle_under_the_name_of_a_model_is_not_loaded(alter: Any, tmp_path: Path) -> None:
    marker = tmp_path / "marker"
    bomb = pickle.dumps({"harmless": str(marker)}, 0).replace(b"harmless", b"harmful!")
    assert "not a LightGBM model text" in try_version(alter("boosting", "model.txt", lambda _: bomb))
    assert not marker.exists()


def test_what_a_broken_file_says_is_shown_on_one_printable_line(alter: Any) -> None:
    said = try_version(
        alter("boosting", "model.txt", lambda _: b"tree\nversion=v4\n\x1b[31m\r\n" + bytes(range(1, 256)) * 9)
    )
    assert said
    assert said.isprintable()
