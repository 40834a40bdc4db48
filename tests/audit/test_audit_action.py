"""The GitHub action does with a real service what it says, its steps run by a shell as a runner does."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from tests.audit.servers import odd

from trimtab.cli.app import build_app

ACTION = Path(__file__).parents[2] / "examples" / "audit-action" / "action.yml"


def audit_step() -> str:
    """Return the script of the step that audits."""
    text = ACTION.read_text(encoding="utf-8")
    block = text.rpartition("      run: |\n")[2]
    return "\n".join(line.removeprefix("        ") for line in block.splitlines())


def run_step(folder: Path, url: str, options: str) -> tuple[int, str]:
    """Run it; return its exit code and its outputs."""
    binary = folder / "trimtab" / "bin" / "trimtab"
    binary.parent.mkdir(parents=True, exist_ok=True)
    binary.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m trimtab.cli "$@"\n')
    binary.chmod(0o755)
    output = folder / "output"
    given = {
        "URL": url,
        "OPTIONS": options,
        "REPORTS": "reports",
        "RUNNER_TEMP": str(folder),
        "GITHUB_OUTPUT": str(output),
    }
    command = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", audit_step()]
    done = subprocess.run(command, cwd=folder, env={**os.environ, **given}, capture_output=True, text=True, check=False)
    return done.returncode, output.read_text() if output.exists() else done.stderr


def test_a_service_that_does_not_pass_fails_the_job_and_leaves_its_reports(tmp_path: Path) -> None:
    with odd.serve(odd.plain) as url:
        code, outputs = run_step(tmp_path, url, "--quick --timeout 2")
    assert code == 1
    score = json.loads((tmp_path / "reports" / "audit.json").read_text())["score"]
    assert outputs == f"passed=false\nscore={score}\n"
    assert {file.suffix for file in (tmp_path / "reports").iterdir()} == {".html", ".xml", ".sarif", ".svg", ".json"}


def test_a_service_that_cannot_be_audited_fails_the_job(tmp_path: Path) -> None:
    with odd.serve(odd.web_page) as url:
        assert run_step(tmp_path, url, "--quick") == (2, "passed=false\nscore=\n")


@pytest.mark.parametrize("name", ["action.yml", "before-deploy.yml"])
def test_every_option_that_the_files_name_exists(name: str) -> None:
    known = {
        option for argument in build_app("audit")["audit"].assemble_argument_collection() for option in argument.names
    }
    text = ACTION.with_name(name).read_text(encoding="utf-8").replace("\\\n", " ")
    lines = [line for line in text.splitlines() if re.search(r"trimtab\"? audit\b|^\s*options:", line)]
    used = {option for line in lines for option in re.findall(r"(?<![\w-])--[a-z][\w-]*", line)}
    assert used <= known
    assert used
