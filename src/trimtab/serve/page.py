"""An OpenAPI document as one readable page: no script, no foreign file, nothing to build."""

import base64
import hashlib
from collections.abc import Mapping
from html import escape
from typing import Any

import msgspec

_STYLE = """
body{font:16px/1.5 system-ui,sans-serif;max-width:56rem;margin:2rem auto;padding:0 1rem;color:#1b1f24;background:#fff}
h1{margin-bottom:0}h2{margin-top:2.5rem}code,pre{font:14px/1.5 ui-monospace,monospace}
pre{background:#f4f6f8;padding:.8rem;overflow-x:auto;border-radius:6px}table{border-collapse:collapse;width:100%}
th,td{text-align:left;vertical-align:top;padding:.3rem .8rem .3rem 0;border-bottom:1px solid #d8dee4}
@media (prefers-color-scheme:dark){body{color:#e6edf3;background:#0d1117}pre{background:#161b22}
td,th{border-color:#30363d}}
"""
_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
POLICY = f"default-src 'none'; style-src 'sha256-{_HASH}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"


def render(document: Mapping[str, Any], lead: str) -> str:
    """Return the page for a document of `schema.describe`; `lead` is a sentence in HTML."""
    title = escape(f"{document['info']['title']} {document['info']['version']}")
    row = document["components"]["schemas"]["Row"]
    parts = [
        '<!doctype html><html lang="en"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width">',
        f"<title>{title}</title><style>{_STYLE}</style></head><body><h1>{title}</h1><p>{lead}</p>",
        "<h2>Routes</h2>",
        _table(("method", "path", "what it does", "scope", "limits"), _routes(document)),
        "<h2>The row</h2>",
        _table(("field", "type", "required", "limits"), _fields(row)),
        _call(row),
        "<h2>Problems</h2><p>Errors are <code>application/problem+json</code> with one of these codes:</p><p><code>",
        "</code> · <code>".join(document["components"]["schemas"]["Problem"]["properties"]["code"]["enum"]),
        '</code></p><p>The same for programs: <a href="openapi.json">openapi.json</a></p></body></html>',
    ]
    return "".join(parts)


def _routes(document: Mapping[str, Any]) -> list[tuple[str, ...]]:
    return [
        (
            *(method.upper(), path, operation["summary"], operation["x-scope"]),
            ", ".join(f"{name} {number:g}" for name, number in operation["x-limits"].items()),
        )
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
    ]


def _fields(row: Mapping[str, Any]) -> list[tuple[str, ...]]:
    required = row.get("required", [])
    return [
        (name, _type(field), "yes" if name in required else "", _limits(field))
        for name, field in row.get("properties", {}).items()
    ]


def _type(field: Mapping[str, Any]) -> str:
    kind = field["type"] if isinstance(field["type"], str) else field["type"][0]
    return f"{kind}, {field['format']}" if "format" in field else str(kind)


def _limits(field: Mapping[str, Any]) -> str:
    parts = [f"{word} {field[word]:g}" for word in ("minimum", "maximum") if word in field]
    listed = field.get("enum") or field.get("examples") or ()
    if listed:
        parts.append(("one of " if "enum" in field else "for example ") + ", ".join(str(one) for one in listed))
    return "; ".join([*parts, *([field["description"]] if "description" in field else [])])


def _call(row: Mapping[str, Any]) -> str:
    if "examples" not in row:
        return "<p>No contract can be shown yet.</p>"
    body = msgspec.json.format(msgspec.json.encode(row["examples"][0]), indent=2).decode()
    return f"<h2>Example</h2><pre>POST /predict\ncontent-type: application/json\n\n{escape(body)}</pre>"


def _table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    top = "".join(f"<th>{name}</th>" for name in head)
    body = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table><tr>{top}</tr>{body}</table>"
