"""Whatever a client sends, the answer is one that the OpenAPI document declares, and it comes soon."""

import json
import os
import random
import subprocess
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

pytestmark = pytest.mark.faults

ROOT = Path(__file__).parents[2]
ENVIRONMENT = ROOT / ".bench" / "serve" / "schemathesis"
ODD: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 1e308, -0.0, "", "a", "NaN", "1e400", "\x00", "\ud800", "ä" * 300),
    *([], {}, [[]], {"rows": []}, "2026-01-01", "01a", 2**63, -(2**70), 0.1),
)
RAW = (
    b"NaN",
    b"Infinity",
    b"1e400",
    b"9" * 5000,
    b"[" * 20_000,
    b'{"size":1,"size":2}',
    b"\xff\xfe",
    b"",
    b"{",
    b"null",
)
PATHS = (*["/predict"] * 8, "/outcomes", "/outcomes", "/predictions/x", "/model", "/nowhere", "/predictions/%00")
SECONDS = 10


def test_twenty_thousand_odd_requests(
    small: Any, tmp_path: Path, times: Callable[[int], int], tell: Callable[..., None]
) -> None:
    small.make_project(tmp_path / "p")
    server, chance, tries = small.launch(tmp_path / "p"), random.Random(3), times(20_000)
    document = server.client.get("/openapi.json").json()
    declared = {path: set(next(iter(item.values()))["responses"]) for path, item in document["paths"].items()}
    bad, statuses = [], Counter[int]()
    for _ in range(tries):
        request = make_request(chance, small.row)
        begin = time.monotonic()
        try:
            reply = server.client.request(**request, timeout=SECONDS)
        except httpx.HTTPError as error:
            bad.append((request["url"], repr(error)))
            continue
        statuses[reply.status_code] += 1
        known = declared.get(request["url"], {"200", "404", "405", "422"})
        if reply.status_code >= 500 and str(reply.status_code) not in known:
            bad.append((request["url"], str(reply.status_code)))
        if time.monotonic() - begin > SECONDS / 2:
            bad.append((request["url"], "slow"))
    code, errors = server.stop()
    tell(f"odd requests ({dict(statuses)})", tries, len(bad))
    assert bad == []
    assert code == 0
    assert '"event":"bug"' not in errors


def make_request(chance: random.Random, row: dict[str, Any]) -> dict[str, Any]:
    path, body = chance.choice(PATHS), dict(row)
    for _ in range(chance.randrange(4)):
        body[chance.choice([*row, "rows", "ids", "value", "key", "prediction_id", "\ud800", "x" * 100])] = (
            chance.choice(ODD)
        )
    if chance.random() < 0.2:
        body = {"rows": [body] * chance.randrange(4), "ids": chance.choice(ODD)}
    content = json.dumps(body).encode()
    for _ in range(chance.randrange(3) if chance.random() < 0.5 else 0):
        at = chance.randrange(len(content) + 1)
        content = content[:at] + chance.choice([b"", *RAW, os.urandom(2)]) + content[at + chance.randrange(4) :]
    headers = {
        "content-type": chance.choice(["application/json"] * 8 + ["text/plain", "application/x+json; charset=x"])
    }
    if chance.random() < 0.2:
        headers["idempotency-key"] = chance.choice(["k", "k", "x" * 300, "k k"])
    method = chance.choice(["POST"] * 8 + ["GET", "PUT"])
    params = chance.choice([{}] * 8 + [{"atomic": "true"}, {"explain": "true"}, {"a": "b"}])
    return {"method": method, "url": path, "content": content, "headers": headers, "params": params}


@pytest.mark.skipif(not ENVIRONMENT.exists(), reason="docs/serve.md says how to make its environment")
def test_schemathesis_finds_no_undeclared_answer(
    small: Any, tmp_path: Path, times: Callable[[int], int], tell: Callable[..., None]
) -> None:
    small.make_project(tmp_path / "p")
    server, examples = small.launch(tmp_path / "p"), times(300)
    checks = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"
    command = [str(ENVIRONMENT / "bin" / "schemathesis"), "run", f"{server.url}/openapi.json", "--checks", checks]
    options = ["--max-examples", str(examples), "--seed", "7", "--request-timeout", str(SECONDS)]
    done = subprocess.run([*command, *options], check=False, capture_output=True, text=True, cwd=tmp_path)
    server.stop()
    tell("schemathesis, examples an operation and phase", examples, int(done.returncode != 0))
    assert done.returncode == 0, done.stdout[-8000:]
