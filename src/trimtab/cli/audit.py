"""`trimtab audit`."""

import json
import sys
from collections.abc import Mapping, Sequence
from inspect import signature
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter, validators

from trimtab.audit.client import PATIENCE, make_writable
from trimtab.audit.declare import Budget, read_budget, read_declaration, read_headers
from trimtab.audit.discover import Asked
from trimtab.audit.report.budget import check_budget
from trimtab.audit.report.compare import compare_reports, read_report
from trimtab.audit.report.facts import list_facts
from trimtab.audit.report.files import write_badge, write_junit, write_sarif, write_seed
from trimtab.audit.report.page import write_page
from trimtab.audit.report.terminal import show_report
from trimtab.audit.run import Options, Report, with_quick
from trimtab.audit.run import audit as run_audit
from trimtab.audit.service import Declared
from trimtab.cli.options import AsJson, Flag
from trimtab.cli.output import console_of, progress, show
from trimtab.errors import UsageError

_INSIDE = {"drills", "record", "at_least", "sign", "statement", "until"}
_BOTH = {"url", "project", "as_json"}


def audit(
    url: Annotated[str, Parameter(name="URL", help="Where the service answers: http://127.0.0.1:8000.")] = "",
    /,
    *,
    project: Annotated[
        Path | None, Parameter(help="Examine this project from inside instead: the 28 tests of the ML Test Score.")
    ] = None,
    drills: Annotated[bool, Parameter(help="With --project: run the checks now, on a copy, or only read.")] = True,
    record: Annotated[
        bool, Parameter(help="With --project: keep what they found in the project's catalog, as evidence."), Flag
    ] = False,
    at_least: Annotated[float, Parameter(help="With --project: exit code 1 below this score.")] = 0.0,
    sign: Annotated[str, Parameter(help="With --project: attest this test in your name, with --statement.")] = "",
    statement: Annotated[str, Parameter(help="With --sign: what you state.")] = "",
    until: Annotated[str, Parameter(help="With --sign: the last day on which it holds; else 180 days.")] = "",
    quick: Annotated[bool, Parameter(help="At most 120 requests instead of 400, and a small burst."), Flag] = False,
    openapi: Annotated[str, Parameter(help="URL of the OpenAPI document.")] = "",
    route: Annotated[str, Parameter(help="Path of the predict route in the document.")] = "",
    predict_url: Annotated[str, Parameter(help="Whole URL of the predict route, where there is no document.")] = "",
    example: Annotated[Path | None, Parameter(help="File with a valid request, JSON.")] = None,
    header: Annotated[
        list[str] | None,
        Parameter(help="'Name: value' for every request; 'Authorization: Bearer env:KEY'.", negative=()),
    ] = None,
    declare: Annotated[Path | None, Parameter(help="File of what is declared about the service, and waivers.")] = None,
    budget: Annotated[Path | None, Parameter(help="File of bounds; exit code 1 where one is broken.")] = None,
    compare: Annotated[Path | None, Parameter(help="An older --json report to compare with.")] = None,
    html: Annotated[Path | None, Parameter(help="Write the report as one page.")] = None,
    junit: Annotated[Path | None, Parameter(help="Write the report as JUnit XML.")] = None,
    sarif: Annotated[Path | None, Parameter(help="Write the report as SARIF.")] = None,
    badge: Annotated[Path | None, Parameter(help="Write a badge, SVG.")] = None,
    save_example: Annotated[Path | None, Parameter(help="Write the valid request that was used.")] = None,
    timeout: Annotated[
        float,
        Parameter(help="Seconds for one answer, where a probe needs no other.", validator=validators.Number(gt=0)),
    ] = PATIENCE,
    i_may_test_this: Annotated[
        bool, Parameter(help="The owner of a host that is not this machine allows the audit."), Flag
    ] = False,
    as_json: AsJson = False,
) -> int:
    """Audit any live prediction service by its URL: what would its users suffer from, and how is it mended?

    Exit code 1 where a must probe does not pass, or a bound of --budget is broken.

    With --project DIR a project of trimtab's own is examined from inside: drills on a copy of it, what the loop has
    recorded, and what people have signed. Exit code 1 where a test fails, or below --at-least.
    """
    if (project is None) == (not url):
        raise UsageError("Give either the URL of a service or --project DIR.", hint="trimtab audit --help")
    _refuse_idle(locals())
    if project is not None:
        # The rooms of the wheel, which an audit by URL does not need, take a second to import.
        from trimtab.cli.audit_project import Wanted, audit_project

        wanted = Wanted(drills, record, at_least, sign, statement, until)
        return audit_project(project, wanted, as_json=as_json)
    declared, waivers = read_declaration(declare) if declare is not None else (Declared(), ())
    asked = Asked(openapi, route, predict_url, _read_example(example), declared)
    options = Options(
        asked=with_quick(asked) if quick else asked,
        headers=read_headers(header or []),
        waivers=waivers,
        may_test=i_may_test_this,
        patience=timeout,
    )
    bounds = read_budget(budget) if budget is not None else Budget()
    older = read_report(compare) if compare is not None else None
    with progress(f"Auditing {url} ...") as tell:
        report = run_audit(url, options, tell)
    broken = check_budget(report, bounds)
    changes = compare_reports(older, list_facts(report)) if older is not None else ()
    files = {html: write_page, junit: write_junit, sarif: write_sarif, badge: write_badge, save_example: write_seed}
    for file, write in files.items():
        if file is not None:
            file.write_text(write(report), encoding="utf-8")
    if as_json:
        show((), {**list_facts(report), "budget": list(broken), "changes": list(changes)}, as_json=True)
    else:
        _show(report, broken, changes)
    return int(not report.passed or bool(broken))


def _refuse_idle(values: Mapping[str, Any]) -> None:
    """Raise UsageError for options that were given and that an audit by URL, or of a project, does not read."""
    usual = {name: parameter.default for name, parameter in signature(audit).parameters.items()}
    idle = usual.keys() - _BOTH - _INSIDE if values["project"] else _INSIDE
    given = [name.replace("_", "-") for name in usual if name in idle and values[name] != usual[name]]
    if given:
        names = ", ".join(f"--{'no-' if name == 'drills' else ''}{name}" for name in given)
        other = "an audit by URL" if values["project"] else "--project DIR"
        raise UsageError(f"Only for {other}: {names}.", hint="leave out what does not belong, or ask twice")


def _show(report: Report, broken: Sequence[str], changes: Sequence[str]) -> None:
    show_report(report, console_of(sys.stdout))
    show((*(f"Budget: {one}" for one in broken), *(f"Since then: {one}" for one in changes)), {}, as_json=False)


def _read_example(file: Path | None) -> Any:
    if file is None:
        return None
    try:
        return make_writable(json.loads(file.read_text(encoding="utf-8")))
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{file} is no JSON: {error}", hint="a request as the service takes it") from None
