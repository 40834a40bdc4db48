"""What only a real process shows: signals, ports, a lock, and a first line that comes at once."""

import json
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic

import pytest

from trimtab.cli import main
from trimtab.serve.child import Server, read_line

TRIMTAB = [sys.executable, "-m", "trimtab.cli"]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with a champion: is the number above 50?"""
    folder = tmp_path_factory.mktemp("process")
    rows = "\n".join(f"{number * 37 % 100},{'yes' if number * 37 % 100 > 50 else 'no'}" for number in range(300))
    (folder / "rows.csv").write_text(f"size,good\n{rows}\n")
    main(["init", str(folder / "p"), "--data", str(folder / "rows.csv"), "--target", "good", "--order", "file"])
    main(["train", str(folder / "p")])
    return folder / "p"


@contextmanager
def start(*words: str) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen([*TRIMTAB, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    with process:
        yield process
        process.kill()


@pytest.mark.parametrize(("stop", "code"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)])
def test_stopped_server_ends_without_a_traceback(project: Path, stop: signal.Signals, code: int) -> None:
    with start("serve", str(project), "--port", "0") as server:
        assert server.stdout
        assert server.stderr
        assert read_line(server.stdout, 30).startswith("ready on http://127.0.0.1:")
        server.send_signal(stop)
        told = server.stderr.read()
        assert server.wait(30) == code
    assert "Traceback" not in told


def test_port_in_use_is_said_with_the_option_that_helps(project: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])
        done = subprocess.run(
            [*TRIMTAB, "serve", str(project), "--port", port],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert done.returncode == 3
    assert f"Port {port}" in done.stderr
    assert "in use" in done.stderr
    assert "--port" in done.stderr
    assert "Traceback" not in done.stderr


def test_second_server_on_the_same_folder_names_the_first(project: Path, tmp_path: Path) -> None:
    with Server(project, tmp_path / "log") as first:
        done = subprocess.run(
            [*TRIMTAB, "serve", str(project), "--port", "0"], capture_output=True, text=True, timeout=60, check=False
        )
        assert first.process
        assert done.returncode == 3
        assert str(first.process.pid) in done.stderr


def test_open_address_is_refused_until_there_are_keys(project: Path) -> None:
    done = subprocess.run(
        [*TRIMTAB, "serve", str(project), "--host", "192.0.2.1"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2
    assert "not built yet" in done.stderr


def test_first_line_comes_before_the_work(project: Path) -> None:
    started = monotonic()
    with start("train", str(project)) as process:
        assert process.stderr
        assert read_line(process.stderr, 30) == f"Training in {project.name} ..."
        assert monotonic() - started < 10, "two seconds are the promise; a loaded machine may take a few more"


def test_interrupted_training_is_130_without_a_traceback(project: Path) -> None:
    with start("train", str(project)) as process:
        assert process.stderr
        read_line(process.stderr, 30)
        process.send_signal(signal.SIGINT)
        told = process.stderr.read()
        assert process.wait(30) == 130
    assert "Interrupted." in told
    assert "Traceback" not in told


def test_client_keeps_its_answers_after_an_idle_connection_was_closed(project: Path, tmp_path: Path) -> None:
    with Server(project, tmp_path / "log") as server:
        before = server.predict([{"size": 90}])
        assert server.wait_epoch(1)
        assert server.predict([{"size": 90}, {"size": 10}])[0]["prediction"] == before[0]["prediction"] == "yes"


def test_json_of_a_running_project_is_one_object(project: Path) -> None:
    done = subprocess.run(
        [*TRIMTAB, "status", str(project), "--json"], capture_output=True, text=True, timeout=60, check=True
    )
    assert json.loads(done.stdout)["champion"]["name"] == "v1"
    assert done.stdout.count("\n") == 1


def test_server_that_does_not_start_is_told_with_its_own_words(tmp_path: Path) -> None:
    with pytest.raises(Exception, match="did not become ready"), Server(tmp_path / "nowhere", tmp_path / "log"):
        raise AssertionError("it must not come to this")
