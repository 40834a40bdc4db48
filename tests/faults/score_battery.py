"""kill -9 during `trimtab score`: in the end each row of the input is in the output and in the log, and there once.

    python tests/faults/score_battery.py PROJECT ROWS SUFFIX [KILLS]

ROWS is a Parquet file with columns of the project's Contract; it is answered in steps of 200 rows, so that kills meet
many of them. After each run that ends by itself another one begins with a new output. Prints one JSON object.
"""

import json
import random
import subprocess
import sys
import time
from pathlib import Path

import polars as pl

from trimtab import config
from trimtab.cli import main as trimtab
from trimtab.ingest import parquet
from trimtab.store import open_index, open_lake

STEP_ROWS = 200


def child(project: str, rows: str, output: str) -> int:
    parquet.CHUNK_ROWS = STEP_ROWS  # type: ignore[attr-defined]  # not meant for others, and here it is
    return trimtab(["score", project, "--input", rows, "--output", output, "--json"])


def kill_one(project: Path, rows: Path, output: Path, lines: int, delay: float) -> bool:
    """Start a run, kill it `delay` seconds after so many lines of progress; return whether it was cut short."""
    command = [sys.executable, __file__, "child", str(project), str(rows), str(output)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as process:
        assert process.stderr is not None
        for _ in range(lines):
            process.stderr.readline()
        time.sleep(delay)
        process.kill()
    return not output.exists() or output.with_name(f".{output.name}.job").exists()


def finish(project: Path, rows: Path, output: Path) -> None:
    command = [sys.executable, __file__, "child", str(project), str(rows), str(output)]
    subprocess.run(command, check=True, capture_output=True)


def run(project: Path, rows: Path, suffix: str, kills: int) -> dict[str, object]:
    chance, outputs, cut_short = random.Random(7), [rows.with_name(f"out-0{suffix}")], 0
    steps = -(-pl.read_parquet(rows).height // STEP_ROWS)
    for _ in range(kills):
        if kill_one(project, rows, outputs[-1], chance.randint(1, steps + 2), chance.uniform(0.0, 0.03)):
            cut_short += 1
        else:
            outputs.append(rows.with_name(f"out-{len(outputs)}{suffix}"))
    finish(project, rows, outputs[-1])
    return {"cut_short": cut_short, "runs": len(outputs), **judge(project, rows, outputs)}


def judge(project: Path, rows: Path, outputs: list[Path]) -> dict[str, object]:
    asked = pl.read_parquet(rows)
    found = [pl.read_csv(one) if one.suffix == ".csv" else pl.read_parquet(one) for one in outputs]
    ids = pl.concat(one["prediction_id"] for one in found).drop_nulls().to_list()
    opened = config.load(project)
    logged = open_lake(opened).read("predictions").collect()["id"].to_list()
    index = open_index(opened)
    key = asked.columns[0]
    return {
        "answers": len(ids),
        "lost": sum(asked.height - one.height for one in found) + len(set(ids) - set(logged)),
        "repeated": len(logged) - len(set(logged)) + len(set(logged) - set(ids)),
        "unknown": sum(not index.knows_prediction(one) for one in ids),
        "in_order": all(one[key].to_list() == asked[key].to_list() for one in found),
        "left": [path.name for path in rows.parent.glob(".out*")],
    }


def main(*words: str) -> int:
    if words[0] == "child":
        return child(*words[1:])
    project, rows, suffix, kills = words
    sys.stdout.write(json.dumps(run(Path(project), Path(rows), suffix, int(kills))) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
