"""From tables, figures and provenance to one HTML file that needs no network."""

from base64 import b64encode
from collections.abc import Mapping, Sequence
from hashlib import sha256
from importlib import resources
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from gradgrid.core.files import replacing
from gradgrid.report.context import context
from gradgrid.report.inputs import read


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
        tables: folder of runs.parquet, cells.parquet and accuracy.parquet.
        figures: the figures' sidecars (.json), each beside its pictures (.svg and .png).
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
    style, script = _own("style.css"), _own("report.js")
    template = environment.get_template("report.html.j2")
    # Style and script are this package's own files, so they are the only text that is not escaped.
    return template.render(**page, style=Markup(style), script=Markup(script), policy=_policy(style, script))


def _own(name: str) -> str:
    return (resources.files("gradgrid.report") / "templates" / name).read_text(encoding="utf-8")


def _policy(style: str, script: str) -> str:
    """A Content-Security-Policy that allows this style, this script and inlined pictures, and no network."""
    return (
        f"default-src 'none'; img-src data:; style-src {_source(style)}; script-src {_source(script)}; "
        "base-uri 'none'; form-action 'none'"
    )


def _source(text: str) -> str:
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"
