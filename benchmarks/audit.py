"""What `trimtab audit` says about services in other frameworks, into docs/audit/. Run: `make bench-audit`.

Each service stands in benchmarks/audit_services/ and runs on loopback in an environment of its own under .bench/; one
that cannot be installed or started here is told as such, and the others go on. Some of them alone:
`python benchmarks/audit.py flask node`. With `--times 20` nothing is written: each is audited so often, quickly, and
told is which probes did not say the same each time.
"""

import argparse
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO
from urllib.error import HTTPError, URLError
from urllib.request import urlopen

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks.environments import python_of  # noqa: E402 - found through the line above

SERVICES = ROOT / "benchmarks" / "audit_services"
PAGES = ROOT / "docs" / "audit"
WIDTH = "118"
PATIENCE = 120.0


@dataclass(frozen=True)
class Service:
    """How to start a service and how to ask it.

    In its words `{python}` and `{bin}` stand for its own environment, `{services}` for the folder of the services,
    `{port}` for its port, and `{other}` for a second one.
    """

    title: str
    command: tuple[str, ...]
    requirements: tuple[str, ...] = ()
    ready: str = "/healthz"
    audit: tuple[str, ...] = ()
    """Options of `trimtab audit`, beside the URL."""
    prepare: tuple[str, ...] = ()
    """A command before, in the folder where the service then runs."""
    environment: Mapping[str, str] = field(default_factory=dict)


_BY_EXAMPLE = ("--predict-url", "http://127.0.0.1:{port}/predict", "--example", "{services}/valid.json")

KNOWN: Mapping[str, Service] = {
    "tutorial": Service(
        "The service that every tutorial ends with (FastAPI)",
        ("{python}", "-m", "uvicorn", "tests.audit.servers.tutorial:app", "--port", "{port}", "--log-level", "error"),
        ready="/openapi.json",
    ),
    "flask": Service(
        "Flask, pydantic, waitress",
        ("{python}", "{services}/flask_app.py", "{port}"),
        ("flask", "pydantic", "waitress", "prometheus-client"),
        audit=_BY_EXAMPLE,
    ),
    "litestar": Service(
        "Litestar, msgspec, uvicorn",
        ("{python}", "{services}/litestar_app.py", "{port}"),
        ("litestar", "uvicorn", "prometheus-client"),
    ),
    "django": Service(
        "Django, waitress",
        ("{python}", "{services}/django_app.py", "{port}"),
        ("django", "waitress", "prometheus-client"),
        audit=_BY_EXAMPLE,
    ),
    "node": Service(
        "Node's own http module", ("node", "{services}/node_app.mjs", "{port}"), ready="/livez", audit=_BY_EXAMPLE
    ),
    "bentoml": Service(
        "BentoML",
        (
            *("{bin}/bentoml", "serve", "bentoml_app:Renewals", "--working-dir", "{services}"),
            *("--host", "127.0.0.1", "--port", "{port}"),
        ),
        ("bentoml",),
        ready="/readyz",
    ),
    "mlserver": Service(
        "MLServer with a scikit-learn model",
        ("{bin}/mlserver", "start", "."),
        ("mlserver", "mlserver-sklearn"),
        ready="/v2/health/ready",
        audit=(
            *("--route", "/v2/models/renewals/infer", "--example", "{services}/mlserver.json"),
            *("--declare", "audit.toml"),
        ),
        prepare=("{python}", "{services}/sklearn_model.py", "mlserver", "{other}"),
        environment={
            "MLSERVER_HOST": "127.0.0.1",
            "MLSERVER_HTTP_PORT": "{port}",
            "MLSERVER_METRICS_PORT": "{other}",
            "MLSERVER_GRPC_PORT": "0",
            "MLSERVER_DEBUG": "false",
            "MLSERVER_PARALLEL_WORKERS": "0",  # its pool does not start with the uvloop of today
        },
    ),
    "mlflow": Service(
        "MLflow's scoring server with a scikit-learn model",
        ("{bin}/mlflow", "models", "serve", "-m", "model", "--port", "{port}", "--env-manager", "local"),
        ("mlflow", "uvicorn"),
        ready="/ping",
        audit=("--predict-url", "http://127.0.0.1:{port}/invocations", "--example", "{services}/mlflow.json"),
        prepare=("{python}", "{services}/sklearn_model.py", "mlflow"),
        environment={"MLFLOW_DISABLE_TELEMETRY": "true"},
    ),
}


class Unavailable(Exception):
    """A service cannot run here, and why."""


@dataclass(frozen=True)
class Place:
    """Where a service runs: its environment, its folder, its ports."""

    python: Path
    folder: Path
    port: int
    other: int

    def fill(self, words: Sequence[str]) -> list[str]:
        """Return words with the placeholders filled in."""
        known = {"python": self.python, "bin": self.python.parent, "services": SERVICES, "port": self.port}
        return [word.format(**known, other=self.other) for word in words]

    def environment(self, service: Service) -> dict[str, str]:
        """Return the environment of its processes: its own programs first."""
        own = dict(zip(service.environment, self.fill(tuple(service.environment.values())), strict=True))
        path = f"{self.python.parent}{os.pathsep}{os.environ['PATH']}"
        return {**os.environ, "PATH": path, "PYTHONPATH": f"{SERVICES}:{ROOT}", "DO_NOT_TRACK": "1", **own}


@contextmanager
def running(name: str) -> Iterator[Place]:
    """Give the place of a service that answers. Raises Unavailable where it does not."""
    service = KNOWN[name]
    if service.command[0] == "node" and shutil.which("node") is None:
        raise Unavailable("node is not here. Next: apt-get install nodejs")
    with tempfile.TemporaryDirectory() as folder:
        place = Place(_python(name, service), Path(folder), *_free_ports())
        log = place.folder / "log"
        with log.open("wb") as output:
            process = _start(place, service.prepare or ("true",), service, output)
            if process.wait():
                raise Unavailable(f"it cannot be prepared: {_tail(log)}")
            process = _start(place, service.command, service, output)
        try:
            _wait(f"http://127.0.0.1:{place.port}{service.ready}", process, log)
            yield place
        finally:
            _stop(process)


def _start(place: Place, words: Sequence[str], service: Service, output: BinaryIO) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        place.fill(words),
        cwd=place.folder,
        env=place.environment(service),
        stdout=output,
        stderr=output,
        start_new_session=True,
    )


def _python(name: str, service: Service) -> Path:
    if not service.requirements:
        return Path(sys.executable)
    try:
        return python_of(f"audit-{name}", service.requirements)
    except subprocess.CalledProcessError as error:
        raise Unavailable(f"it cannot be installed: {error}") from error


def _free_ports() -> tuple[int, int]:
    with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as other:
        return one.getsockname()[1], other.getsockname()[1]


def _tail(log: Path) -> str:
    return log.read_text(errors="replace")[-800:]


def _wait(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    begin = time.monotonic()
    while time.monotonic() - begin < PATIENCE and process.poll() is None:
        try:
            with urlopen(url, timeout=5):  # noqa: S310 - http on loopback
                return
        except HTTPError as error:
            error.close()
            time.sleep(0.2)
        except (URLError, OSError):
            time.sleep(0.2)
    raise Unavailable(f"{url} does not answer: {_tail(log)}")


def _stop(process: subprocess.Popen[bytes]) -> None:
    """End a service with all processes that it started."""
    for signal in (15, 9):
        try:
            os.killpg(process.pid, signal)
            process.wait(20)
        except (subprocess.TimeoutExpired, ProcessLookupError):
            continue


def ask(name: str, place: Place, *more: str) -> str:
    """Return what `trimtab audit` prints about a service."""
    trimtab = [str(Path(sys.executable).with_name("trimtab")), "audit", f"http://127.0.0.1:{place.port}"]
    words = [*trimtab, *place.fill(KNOWN[name].audit), *more]
    quiet = {**os.environ, "COLUMNS": WIDTH}
    done = subprocess.run(words, capture_output=True, text=True, check=False, cwd=place.folder, env=quiet)
    if done.returncode not in {0, 1}:
        raise Unavailable(f"the audit did not come to an end: {done.stderr[-800:]}")
    return done.stdout


def write_transcript(name: str, place: Place, text: str) -> None:
    """Write what was printed with the command and the versions; ports are the same each time."""
    service = KNOWN[name]
    asked = " ".join(["trimtab audit http://127.0.0.1:8000", *place.fill(service.audit)])
    whole = f"{service.title}: {_versions(place, service)}\n\n$ {asked}\n{text}"
    for found, shown in ((f"{SERVICES}/", ""), (f":{place.port}", ":8000"), (f":{place.other}", ":8002")):
        whole = whole.replace(found, shown)
    lines = [line.rstrip() for line in whole.splitlines()]
    (PAGES / f"{name}.txt").write_text("\n".join(lines).rstrip() + "\n", encoding="utf-8")


def _versions(place: Place, service: Service) -> str:
    if service.command[0] == "node":
        return subprocess.run(["node", "--version"], capture_output=True, text=True, check=True).stdout.strip()
    names = service.requirements or ("fastapi", "uvicorn")
    code = "import sys, importlib.metadata as m; print(', '.join(f'{n} {m.version(n)}' for n in sys.argv[1:]))"
    return subprocess.run([place.python, "-c", code, *names], capture_output=True, text=True, check=True).stdout.strip()


def compare(name: str, place: Place, times: int) -> str:
    """Return what differs between so many quick audits of one service."""
    states: dict[str, Counter[str]] = {}
    for _ in range(times):
        for probe in json.loads(ask(name, place, "--quick", "--json"))["probes"]:
            states.setdefault(probe["id"], Counter())[probe["state"]] += 1
    odd = {probe: dict(counts) for probe, counts in states.items() if len(counts) > 1}
    return f"{times} audits, {len(states)} probes, {len(odd)} of them not the same each time {odd or ''}".rstrip()


def transcribe(name: str, place: Place) -> str:
    """Write the transcript of an audit and return the line of its verdict."""
    text = ask(name, place)
    write_transcript(name, place, text)
    return next(line for line in text.splitlines() if "PASSED: score" in line).strip()


def main() -> None:
    """Audit the services."""
    parser = argparse.ArgumentParser(description="Audits services in other frameworks.")
    parser.add_argument("names", nargs="*", default=list(KNOWN))
    parser.add_argument("--times", type=int, default=0, help="compare so many audits of each instead")
    asked = parser.parse_args()
    PAGES.mkdir(exist_ok=True)
    for name in asked.names:
        try:
            with running(name) as place:
                print(f"{name}: {compare(name, place, asked.times) if asked.times else transcribe(name, place)}")
        except Unavailable as error:
            print(f"{name}: {error}")


if __name__ == "__main__":
    main()
