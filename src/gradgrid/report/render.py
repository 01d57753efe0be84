"""From tables, figures and provenance to one HTML file that needs no network."""

from base64 import b64encode
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from hashlib import sha256
from importlib import resources
from pathlib import Path
from typing import Any

import vl_convert
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from gradgrid.core.files import replacing
from gradgrid.report.context import context
from gradgrid.report.inputs import read

SCRIPTS = (
    "page.js",
    "pictures.js",
    "explorer_data.js",
    "explorer_text.js",
    "explorer_state.js",
    "explorer_charts.js",
    "explorer_map.js",
    "explorer_facts.js",
    "explorer_cards.js",
    "explorer_table.js",
    "save.js",
    "explorer.js",
)
"""The page's own scripts, in their order."""
SNIPPET = "window.vegaEmbed = vegaEmbed;"
"""What the library leaves behind for them."""


def build(
    tables: Path,
    figures: Sequence[Path],
    provenance: Path,
    config: Path,
    out: Path,
    book: Path | None = None,
    laboratory: Path | None = None,
) -> None:
    """Write the report, whole or not at all; equal inputs give equal bytes.

    Args:
        tables: folder of the grid's five tables.
        figures: the figures' sidecars (.json), each beside its drawing (.svg) and data (.csv).
        provenance: what ``core.provenance.write`` wrote.
        config: the configuration file, whose text is shown as it was written.
        out: the HTML file.
        book: folder of the tables of the book's chapter, None where the configuration leaves it out.
        laboratory: the same of the laboratory.

    Raises GradgridError for an input that is missing, broken or made from other data than the rest.
    """
    files = [Path(file) for file in figures]
    beside = (None if folder is None else Path(folder) for folder in (book, laboratory))
    inputs = read(Path(tables), files, Path(provenance), Path(config), *beside)
    with replacing(Path(out)) as part:
        part.write_text(render(context(inputs)), encoding="utf-8", newline="\n")


def render(page: Mapping[str, Any]) -> str:
    """The page as HTML; everything that the context holds is escaped by the templates."""
    environment = Environment(
        loader=PackageLoader("gradgrid.report"), autoescape=True, undefined=StrictUndefined
    )
    styles = {"style": _own("style.css"), "dark": _own("dark.css")}
    scripts = {"theme": _own("theme.js"), "library": library(), "script": _script()}
    template = environment.get_template("report.html.j2")
    # Styles and scripts are no text of the reader's, so they are the only ones that are not escaped.
    unescaped = {name: Markup(text) for name, text in (styles | scripts).items()}
    return template.render(**page, **unescaped, policy=_policy(styles.values(), scripts.values()))


@cache
def library() -> str:
    """Vega-Embed, Vega-Lite and Vega as one script that asks nothing of a network (ADR 12), under their licences."""
    return f"/*\n{_own('licences.txt')}*/\n{vl_convert.javascript_bundle(SNIPPET)}"


def _script() -> str:
    """The page's own scripts as one, in a scope of their own."""
    return "\n".join(['"use strict";', "{", *map(_own, SCRIPTS), "}"])


def _own(name: str) -> str:
    return (resources.files("gradgrid.report") / "templates" / name).read_text(encoding="utf-8")


def _policy(styles: Iterable[str], scripts: Iterable[str]) -> str:
    """A Content-Security-Policy that allows these styles, these scripts and inlined pictures, and no network."""
    return (
        f"default-src 'none'; img-src data:; style-src {' '.join(map(_source, styles))}; "
        f"script-src {' '.join(map(_source, scripts))}; base-uri 'none'; form-action 'none'"
    )


def _source(text: str) -> str:
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"
