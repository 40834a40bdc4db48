"""What an answer costs a serving worker, beside a raw echo and beside other services. Run: `make bench-serve`.

Writes docs/benchmarks/serve.json and serve.md. Needs wrk (apt-get install wrk). The other services run in environments
of their own under .bench/serve, made on the first run. CPU is the server's processor time per request, at 16
connections that ask again at once; p99 is what 16 connections see at half of the peak rate, the client in the way.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import Request, urlopen

import msgspec
import numpy as np
import uvloop
from serve_batch import time_batch
from serve_world import (
    add_version,
    commits_a_second,
    cpu_seconds,
    drive,
    make_frame,
    make_project,
    promote,
    resident_mb,
    stage_times,
    time_stages,
)

from trimtab import config

ROOT = Path(__file__).parents[1]
PLACE = ROOT / ".bench" / "serve"
PAGE = ROOT / "docs" / "benchmarks" / "serve"
ENVIRONMENTS = {"plain": "fastapi uvicorn pandas scikit-learn", "mlflow": "mlflow pandas scikit-learn"}
CONNECTIONS = 16
PYTHON = sys.executable
ECHO = """
import asyncio, sys
import uvicorn
from fastapi import FastAPI
from starlette.responses import Response
app = FastAPI()
async def echo(request):
    return Response(await request.body(), media_type="application/json")
app.add_route("/predict", echo, methods=["POST"])
uvicorn.run(app, port=int(sys.argv[1]), loop="uvloop", http="httptools", log_level="warning", access_log=False)
"""
UNLOGGED = """
import sys
from concurrent.futures import Future
from pathlib import Path
from trimtab.serve import worker
from trimtab.serve.keeper import Keeper
def keep(self, records):
    done = __import__("asyncio").get_running_loop().create_future()
    done.set_result(None)
    return done
Keeper.keep = keep
worker.run(Path(sys.argv[2]), port=int(sys.argv[1]))
"""


def main() -> None:
    """Measure everything and write the page."""
    config.calm_threads()
    if shutil.which("wrk") is None:
        sys.exit("wrk is missing. Next: apt-get install wrk")
    with tempfile.TemporaryDirectory() as home:
        folder = Path(home)
        project = make_project(folder)
        print("project made", flush=True)
        row = {name: value for name, value in make_frame().row(7, named=True).items() if name != "y"}
        body = msgspec.json.encode(row)
        servers = dict(time_servers(folder, project, body))
        found = {
            "machine": {"cores": os.cpu_count(), "python": sys.version.split()[0], "load": os.getloadavg()[0]},
            "at": datetime.now(UTC).isoformat(timespec="seconds"),
            "stages_us": time_stages(project, row),
            "commits_a_second": commits_a_second(folder / "spool"),
            "servers": servers,
            "batch": time_batch(project, folder),
        }
    PAGE.with_suffix(".json").write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    PAGE.with_suffix(".md").write_text(lay_out(found), encoding="utf-8")
    print(PAGE.with_suffix(".md").read_text(encoding="utf-8"))


def time_servers(folder: Path, project: Any, body: bytes) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield what each server costs."""
    port = 8471
    with running([PYTHON, "-c", ECHO, str(port)], port) as pid:
        yield "echo", time_one(pid, port, "/predict", body)
    with running([PYTHON, "-c", UNLOGGED, str(port), str(folder)], port) as pid:
        yield "predict", time_one(pid, port, "/predict", body)
    with up(folder, port) as pid:
        yield "logged", time_one(pid, port, "/predict", body, stages=True)
    second = add_version(project, make_frame(2))
    first = next(line for line in versions(project) if line != second)
    promote(project, first, second)
    with up(folder, port) as pid:
        yield "logged, two Versions", time_one(pid, port, "/predict", body, stages=True)
    yield from time_others(folder, port, body)


def versions(project: Any) -> list[str]:
    """Return the ids of the Versions that are kept."""
    return [path.name for path in (project.state / "blobs").iterdir() if path.is_dir() and len(path.name) == 12]


def time_others(folder: Path, port: int, body: bytes) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the plain service and MLflow's, with one pipeline; one that cannot be installed is left out, and said."""
    for name, packages in ENVIRONMENTS.items():
        if not (PLACE / name / "done").exists():
            subprocess.run([PYTHON, "-m", "venv", str(PLACE / name)], check=True)
            subprocess.run([PLACE / name / "bin" / "pip", "install", "-q", *packages.split()], check=True)
            (PLACE / name / "done").touch()
    script, (plain, mlflow) = (
        str(ROOT / "benchmarks" / "serve_plain.py"),
        (PLACE / name / "bin" for name in ENVIRONMENTS),
    )
    subprocess.run([plain / "python", script, "fit", str(folder / "rows.csv"), str(folder)], check=True)
    with running([str(plain / "python"), script, "serve", str(folder), str(port)], port, "/docs") as pid:
        yield "FastAPI, pandas, scikit-learn", time_one(pid, port, "/predict", body)
    subprocess.run([mlflow / "python", script, "mlflow", str(folder)], check=True)
    row = json.loads(body)
    split = json.dumps({"dataframe_split": {"columns": list(row), "data": [list(row.values())]}}).encode()
    path = f"PATH={mlflow}:{os.environ['PATH']}"  # it looks for its web server there
    serve = ["env", path, str(mlflow / "mlflow"), "models", "serve", "-m", str(folder / "mlflow")]
    with running([*serve, "--env-manager", "local", "-p", str(port)], port, "/ping") as pid:
        yield "mlflow models serve", time_one(pid, port, "/invocations", split)


@contextmanager
def running(command: list[str], port: int, path: str = "/livez") -> Iterator[int]:
    """Run a server, wait until it answers, and end it; yield its process."""
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as child:
        wait_for(f"http://127.0.0.1:{port}{path}")
        try:
            yield child.pid
        finally:
            for pid in [child.pid, *descendants(child.pid)]:
                os.kill(pid, 15)
            child.wait(timeout=60)


@contextmanager
def up(folder: Path, port: int) -> Iterator[int]:
    """Run `trimtab up` with one worker and the loop, as by default; yield the worker's process."""
    command = [PYTHON, "-m", "trimtab.cli", "up", str(folder), "--port", str(port)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as child:
        lines = [child.stdout.readline() if child.stdout else "" for _ in range(3)]
        try:
            yield int(re.findall(r"w0 \(process (\d+)\)", lines[1])[0])
        finally:
            child.terminate()
            child.communicate(timeout=60)


def descendants(pid: int) -> list[int]:
    children = [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return [*children, *(below for child in children for below in descendants(child))]


def wait_for(url: str) -> None:
    """Return when a server answers anything."""
    until = time.monotonic() + 120
    while time.monotonic() < until:
        try:
            urlopen(Request(url))  # noqa: S310 - our own
        except URLError as error:
            if getattr(error, "code", 0):
                return
            time.sleep(0.1)
        else:
            return
    raise TimeoutError(url)


def time_one(pid: int, port: int, path: str, body: bytes, *, stages: bool = False) -> dict[str, Any]:
    """Return requests a second, processor time a request, waits at half of that rate, and memory of one server."""
    url = f"http://127.0.0.1:{port}"
    wrk(url, path, body, 2)
    begin, before = cpu_seconds(pid), stage_times(url) if stages else {}
    rate, count = wrk(url, path, body, 6)
    cpu = (cpu_seconds(pid) - begin) / count
    after = stage_times(url) if stages else {}
    print(f"{count} requests, {cpu * 1e6:.0f} us each", flush=True)
    waits = uvloop.run(drive(url, path, body, max(rate / 2, CONNECTIONS / 2), 6, CONNECTIONS))
    spent = {stage: (after[stage][0] - before[stage][0]) / (after[stage][1] - before[stage][1]) for stage in after}
    return {
        "requests_a_second": round(rate, 1),
        "cpu_us": round(cpu * 1e6, 1),
        "requests_a_cpu_second": round(1 / cpu, 1),
        "p50_ms": round(float(np.quantile(waits, 0.5)), 2),
        "p99_ms": round(float(np.quantile(waits, 0.99)), 2),
        "resident_mb": round(resident_mb(pid), 1),
        **({"stages_us": {stage: round(one * 1e6, 1) for stage, one in spent.items()}} if stages else {}),
    }


def wrk(url: str, path: str, body: bytes, seconds: int) -> tuple[float, int]:
    """Return requests a second and how many there were. Raises RuntimeError where one was not answered with 2xx."""
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
        script.write(f"wrk.method = 'POST'\nwrk.headers['content-type'] = 'application/json'\nwrk.body = {lua(body)}\n")
        script.flush()
        command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}", "--timeout", "20", "-s", script.name, url + path]
        said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    if "Non-2xx" in said or "Socket errors" in said:
        raise RuntimeError(said)
    count = int(re.findall(r"(\d+) requests in", said)[0])
    return float(re.findall(r"Requests/sec: +([\d.]+)", said)[0]), count


def lua(body: bytes) -> str:
    return "[==[" + body.decode() + "]==]"


def _say_where(found: Mapping[str, Any]) -> str:
    machine, commits = found["machine"], found["commits_a_second"]
    return (
        f"{found['at']}; {machine['cores']} cores shared with other work (load {machine['load']:.1f}), Python "
        f"{machine['python']}; a disk of {commits:.0f} synced commits a second, one after another. One row of 20 "
        "columns, LightGBM; 16 connections. CPU is the server's, all its processes; p99 is seen at half of the peak "
        "rate. Trust ratios, not times; with a load far above the cores, p99 is what the machine's queue makes it."
    )


def lay_out(found: Mapping[str, Any]) -> str:
    """Return the page."""
    servers, batch = found["servers"], found["batch"]
    echo, logged = servers["echo"], servers["logged"]
    lines = [
        "# What an answer costs",
        "",
        "    make bench-serve",
        "",
        _say_where(found),
        "",
        "| server | CPU a request | against the echo | requests a second | p99 at half load | memory |",
        "|---|---|---|---|---|---|",
    ]
    for name, one in servers.items():
        lines.append(
            f"| {name} | {one['cpu_us']:,.0f} us | {one['cpu_us'] / echo['cpu_us']:.1f}x | "
            f"{one['requests_a_second']:,.0f} | {one['p99_ms']:.1f} ms | {one['resident_mb']:.0f} MB |"
        )
    goals = [
        ("predict only, CPU against the echo", servers["predict"]["cpu_us"] / echo["cpu_us"], "<= 3", "x"),
        ("with the durable log, CPU against the echo", logged["cpu_us"] / echo["cpu_us"], "<= 5", "x"),
        ("with the durable log, p99 at half load against the echo's", logged["p99_ms"] / echo["p99_ms"], "<= 10", "x"),
        *(
            (f"requests a CPU second with the log, against {name}", one["cpu_us"] / logged["cpu_us"], ">= 50", "x")
            for name, one in servers.items()
            if name.startswith(("FastAPI", "mlflow"))
        ),
        ("worker's memory", logged["resident_mb"], "<= 150", " MB"),
        ("batch with log and output, rows a second against the bare model", 100 * batch["share"], ">= 70", " %"),
    ]
    lines += ["", "| figure | measured | wanted |", "|---|---|---|"]
    lines += [f"| {what} | {value:.1f}{unit} | {wanted}{unit} |" for what, value, wanted, unit in goals]
    lines += ["", "Each stage alone, microseconds (median): "]
    lines += [f"- {stage}: {spent:.1f}" for stage, spent in found["stages_us"].items()]
    lines += ["", "Each stage under load, microseconds of wall clock (mean; `log` waits for the disk and others): "]
    lines += [f"- {stage}: {spent:.1f}" for stage, spent in logged["stages_us"].items()]
    lines += ["", "## Batch", "", *batch["lines"], ""]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
