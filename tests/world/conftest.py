"""A real MLflow server on loopback, and a project that tells it its trials."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.loop.conftest import SETTINGS, write_rows

from trimtab.loop.begin import begin
from trimtab.loop.state import Wheel, open_wheel


@dataclass
class Server:
    """`mlflow server` with its record in a folder: it can go and come back."""

    folder: Path
    port: int
    process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        record = f"sqlite:///{self.folder}/mlflow.db"
        command = [
            str(Path(sys.executable).parent / "mlflow"),
            "server",
            "--host",
            "127.0.0.1",
            "--port",
            str(self.port),
        ]
        command += ["--workers", "1", "--backend-store-uri", record, "--artifacts-destination", str(self.folder)]
        quiet = {**os.environ, "MLFLOW_DISABLE_TELEMETRY": "true"}
        with (self.folder / "server.log").open("ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log, env=quiet, start_new_session=True)
        for _ in range(600):
            try:
                if httpx.get(f"{self.address}/health", timeout=5).status_code == 200:
                    return
            except httpx.HTTPError:
                time.sleep(0.2)
        raise AssertionError((self.folder / "server.log").read_text()[-2000:])

    def stop(self) -> None:
        if self.process is not None:
            os.killpg(self.process.pid, 15)
            self.process.wait(30)
            self.process = None

    def runs(self, name: str) -> list[dict[str, Any]]:
        """Every run of an experiment as the server's own API tells it."""
        found = self._ask("GET", "experiments/get-by-name", params={"experiment_name": name})
        wanted = {"experiment_ids": [found["experiment"]["experiment_id"]], "max_results": 1000}
        runs: list[dict[str, Any]] = self._ask("POST", "runs/search", json=wanted).get("runs", [])
        return runs

    def forget_end(self, run: str) -> None:
        """Leave a run as a mirror leaves it that was killed in the middle."""
        self._ask("POST", "runs/update", json={"run_id": run, "status": "RUNNING"})

    def _ask(self, method: str, verb: str, **more: Any) -> dict[str, Any]:
        reply = httpx.request(method, f"{self.address}/api/2.0/mlflow/{verb}", timeout=30, **more)
        assert reply.status_code == 200, reply.text
        return dict(reply.json())


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    made = Server(tmp_path_factory.mktemp("mlflow"), port)
    made.start()
    yield made
    made.stop()


@pytest.fixture
def make_project(tmp_path: Path, server: Server) -> Callable[[str], Wheel]:
    """A function that makes a project of 600 rows whose mirror is the server; its name is that of its experiment."""

    def make(name: str) -> Wheel:
        write_rows(tmp_path / "rows.csv", 600, 600)
        folder = tmp_path / name
        begin(folder, tmp_path / "rows.csv", target="y", order="file", tell=lambda _: None)
        file = folder / "trimtab.toml"
        text = file.read_text(encoding="utf-8").split("[monitor]")[0] + SETTINGS
        text = text.replace('["linear"]', '["baseline", "linear", "mine:crash"]')
        file.write_text(f'{text}[tracking]\nmlflow = "{server.address}"\n', encoding="utf-8")
        (folder / "mine.py").write_text("def crash():\n    raise ValueError('broken on purpose')\n", encoding="utf-8")
        return open_wheel(folder)

    return make
