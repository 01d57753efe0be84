"""Draw one figure of the catalogue: SVG, PNG, its data and sidecar, the same bytes for the same tables."""

import importlib
from dataclasses import replace
from pathlib import Path

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from gradgrid.core import sidecars
from gradgrid.core.errors import GradgridError
from gradgrid.core.figures import FigureSpec, figures
from gradgrid.core.files import replacing
from gradgrid.figures.sheet import Drawing
from gradgrid.figures.source import Source
from gradgrid.figures.style import PNG_DPI, SETTINGS

CSS_PIXELS_AN_INCH = 96


def draw(name: str, tables_dir: Path, out_stem: Path, notice: str | None = None) -> None:
    """Draw the figure ``name`` from the tables in a folder to ``out_stem`` + .svg, .png, .csv and .json.

    ``notice`` says that another dataset was used than asked for; the figure shows it, unless its table comes from
    no images. An unknown name or a table that cannot be read is a GradgridError.
    """
    if name not in figures():
        raise GradgridError(f"figure {name!r} is unknown; there are {', '.join(figures())}")
    spec = figures()[name]
    source = Source(Path(tables_dir), Path(spec.file).stem)
    if notice and "dataset" in source.columns:
        source = replace(source, notice=notice)
    with matplotlib.rc_context({**SETTINGS, "svg.hashsalt": name}):
        _save(drawing(spec, source), spec, source, Path(out_stem))


def drawing(spec: FigureSpec, source: Source) -> Drawing:
    """The figure of a declaration, not yet written."""
    module = importlib.import_module(f"gradgrid.figures.{spec.module}")
    return getattr(module, spec.name)(source)


def _save(drawn: Drawing, spec: FigureSpec, source: Source, stem: Path) -> None:
    settle(drawn.figure)
    with replacing(stem.with_name(f"{stem.name}.svg")) as part:
        drawn.figure.savefig(part, metadata={"Date": None, "Creator": "GradGrid", "Title": drawn.title})
    with replacing(stem.with_name(f"{stem.name}.png")) as part:
        drawn.figure.savefig(part, dpi=PNG_DPI, metadata={"Software": None, "Title": drawn.title})
    with replacing(stem.with_name(f"{stem.name}.csv")) as part:
        _written(source.data).to_csv(part, index=False, lineterminator="\n")
    sidecars.write(_sidecar(drawn, spec, source), stem.with_name(f"{stem.name}.json"))


def _written(data: pd.DataFrame) -> pd.DataFrame:
    """float64 with seven digits; float32 has its own shortest text."""
    exact = data.select_dtypes("float64").columns
    return data.assign(**{name: data[name].map("{:.7g}".format, na_action="ignore") for name in exact})


def settle(figure: Figure) -> None:
    """Find the layout once, for both files, and round it: the last digits of the solver's numbers vary."""
    figure.draw_without_rendering()
    figure.set_layout_engine("none")
    for axes in figure.findobj(Axes):
        axes.set_position(np.round(axes.get_position().bounds, 5))


def _sidecar(drawn: Drawing, spec: FigureSpec, source: Source) -> sidecars.Sidecar:
    width, height = (round(inches * CSS_PIXELS_AN_INCH) for inches in drawn.figure.get_size_inches())
    return sidecars.Sidecar(
        name=spec.name,
        title=drawn.title,
        caption=drawn.caption,
        alt=drawn.alt,
        shown=drawn.shown,
        chapter=spec.chapter,
        order=spec.order,
        source_table=spec.table,
        units=drawn.units,
        dataset=source.dataset,
        notice=drawn.notice,
        width_px=width,
        height_px=height,
    )
