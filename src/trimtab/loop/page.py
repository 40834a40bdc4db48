"""A sheet as one HTML file: no script, nothing from elsewhere, pictures inside; readable on a phone and in the dark."""

import base64
import hashlib
from collections.abc import Sequence
from html import escape

from trimtab.train.sheet import Block, Bullets, Code, Heading, Picture, Table, Text, split_spans

_STYLE = """
:root { color-scheme: light dark; --ink: #1d2430; --quiet: #5b6472; --line: #d9dee5; --back: #fff; --soft: #f3f5f8; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e4e8ee; --quiet: #9aa4b2; --line: #343c48; --back: #14181f; --soft: #1d232c; }
  figure img { filter: invert(0.9) hue-rotate(180deg); }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--back); color: var(--ink); }
body { font: 16px/1.55 system-ui, "Segoe UI", "DejaVu Sans", sans-serif; }
main { max-width: 60rem; margin: 0 auto; padding: 1.5rem 1.25rem 4rem; overflow-wrap: break-word; }
h1 { font-size: 1.9rem; line-height: 1.2; margin: 0.5rem 0 1rem; }
h2 { font-size: 1.25rem; margin: 2.5rem 0 0.75rem; padding-top: 1rem; border-top: 1px solid var(--line); }
h1 + p { font-size: 1.15rem; color: var(--quiet); }
p, ul { margin: 0.6rem 0; max-width: 46rem; }
li { margin: 0.25rem 0; }
code { font: 0.9em ui-monospace, "DejaVu Sans Mono", monospace; }
code { background: var(--soft); padding: 0.1em 0.3em; border-radius: 4px; }
pre { background: var(--soft); padding: 0.8rem 1rem; border-radius: 6px; overflow-x: auto; }
pre code { padding: 0; background: none; }
.wide { overflow-x: auto; margin: 0.9rem 0; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: 0.93rem; }
th, td { text-align: left; vertical-align: top; padding: 0.35rem 1.1rem 0.35rem 0; }
th, td { border-bottom: 1px solid var(--line); }
th { color: var(--quiet); font-weight: 600; }
td { min-width: 4rem; max-width: 26rem; }
td.figure { white-space: nowrap; }
td.words { min-width: 13rem; }
td code { white-space: nowrap; }
figure { margin: 1.2rem 0; overflow-x: auto; }
figure img { display: block; max-width: 100%; min-width: 30rem; height: auto; border-radius: 6px; }
footer { margin-top: 3rem; color: var(--quiet); font-size: 0.9rem; }
@media print { h2 { break-after: avoid; } figure, tr { break-inside: avoid; } }
"""


def write_page(blocks: Sequence[Block], *, footer: str) -> str:
    """Return the sheet as a whole HTML document. All text is escaped; the page may load and run nothing."""
    digest = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; base-uri 'none'; form-action 'none'"
    title = next((block.text for block in blocks if isinstance(block, Heading)), "card")
    body = "\n".join(_write_block(block) for block in blocks)
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{escape(policy)}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="referrer" content="no-referrer">\n'
        f"<title>{_write(title)}</title>\n<style>{_STYLE}</style>\n</head>\n"
        f"<body>\n<main>\n{body}\n<footer>{_write(footer)}</footer>\n</main>\n</body>\n</html>\n"
    )


def _write_block(block: Block) -> str:
    if isinstance(block, Heading):
        return f"<h{block.level}>{_write(block.text)}</h{block.level}>"
    if isinstance(block, Text):
        return f"<p>{_write(block.text)}</p>"
    if isinstance(block, Bullets):
        return f"<ul>{''.join(f'<li>{_write(item)}</li>' for item in block.items)}</ul>"
    if isinstance(block, Code):
        return f'<pre tabindex="0"><code>{escape(chr(10).join(block.lines))}</code></pre>'
    return _write_table(block) if isinstance(block, Table) else _write_picture(block)


def _write_table(table: Table) -> str:
    head = "".join(f'<th scope="col">{_write(cell)}</th>' for cell in table.header)
    rows = "".join(f"<tr>{''.join(_write_cell(cell) for cell in row)}</tr>" for row in table.rows)
    # A table that is wider than a phone moves in its own frame; whoever uses a keyboard can reach it.
    return f'<div class="wide" tabindex="0"><table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>'


def _write_cell(cell: str) -> str:
    kind = "figure" if len(cell) <= 32 and cell[:1] in set("-0123456789") else "words" if len(cell) > 24 else "name"
    return f'<td class="{kind}">{_write(cell)}</td>'


def _write_picture(picture: Picture) -> str:
    # As an image the drawing cannot reach the page, whatever a name in it holds.
    data = base64.b64encode(picture.chart.svg().encode()).decode()
    return f'<figure><img src="data:image/svg+xml;base64,{data}" alt="{escape(_plain(picture.alt))}"></figure>'


def _write(text: str) -> str:
    return "".join(f"<code>{escape(one)}</code>" if is_code else escape(one) for is_code, one in split_spans(text))


def _plain(text: str) -> str:
    return "".join(one for _, one in split_spans(text))
