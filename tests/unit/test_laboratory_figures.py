"""Every figure of the laboratory, with all kinds of settings: drawn, legible, and left with its place."""

import numpy as np
import pandas as pd
import pytest
import synthetic_laboratory
from drawings import NOTICE, assert_legible, drawn, telling
from matplotlib.colors import to_rgb

from gradgrid.core import sidecars
from gradgrid.core.figures import figures
from gradgrid.figures.draw import draw
from gradgrid.figures.laboratory.lines import around_one, whole_decades
from gradgrid.figures.style import BLACK, BLUE, VERMILLION

NAMES = {
    "laboratory_linear": 610, "laboratory_activations": 620, "laboratory_gradients": 630, "laboratory_overflow": 640,
    "laboratory_saturation": 650, "laboratory_gains": 660, "laboratory_theory": 670, "laboratory_phase": 680,
    "laboratory_trainability": 682, "laboratory_remedies": 684, "laboratory_ladders": 686,
    "laboratory_recurrent": 690, "laboratory_recurrent_training": 692,
}  # fmt: skip
OF_IMAGES = [name for name, order in NAMES.items() if order > 680]
FEW = {
    "widths": (30,),
    "depth": 20,
    "activations": ("tanh", "relu"),
    "initializers": ("normal", "lsuv"),
    "seeds": 2,
}
ONE = {"activations": ("gelu",), "initializers": ("orthogonal",), "sigma_w2": (1.7,), "trained_depths": (2,),
       "remedied_depths": (4,), "rates": (0.1,)}  # fmt: skip
LONG = {
    "activations": ("leaky_relu(negative_slope=0.1)", "elu(alpha=0.5)", "tanh"),
    "initializers": ("normal(std=0.05)", "uniform(low=-0.5, high=0.5)", "kaiming_normal"),
}
COMPUTED = ("laboratory_gains", "laboratory_phase")
"""From theory alone, which has a value everywhere."""
SETTINGS = {
    "default": {},
    "one of each": {**FEW, **ONE, "scales": (0.9,), "radii": (1.0,), "seeds": 1},
    "one layer, one step": {**FEW, "depth": 1, "trained_depths": (1,), "steps": 1, "pixel_steps": 1, "scales": (1.0,),
                            "remedied_depths": (1,)},
    "many": {**FEW, "scales": tuple(np.linspace(0.1, 2, 13)), "radii": tuple(np.linspace(0.1, 3, 11)),
             "sigma_b2": (0.0, 0.05, 0.1, 0.3), "trained_depths": tuple(range(5, 105, 5)), "depth": 1000,
             "remedied_depths": tuple(range(2, 26, 2)), "rates": tuple(np.logspace(-4, 1, 15)), "large_rate": 100.0},
    "long names, digits": {**FEW, **LONG, "dataset": "digits"},
}  # fmt: skip


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Folders of tables by the name of their settings."""
    return {
        name: synthetic_laboratory.write(tmp_path_factory.mktemp("laboratory"), **options)
        for name, options in SETTINGS.items()
    }


def test_these_are_all_the_figures_of_the_laboratory():
    assert {name: spec.order for name, spec in figures().items() if spec.part == "laboratory"} == NAMES


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("settings", telling(SETTINGS, "default", "one of each"))
def test_every_figure_is_drawn_and_legible_with_every_settings(settings, name, folders, monkeypatch):
    made = drawn(folders[settings], name, NOTICE if "digits" in settings else None)
    assert_legible(made, monkeypatch)
    assert made.caption.endswith(".")


@pytest.mark.parametrize("name", NAMES)
def test_a_figure_leaves_its_files_with_its_place_and_the_notice(name, folders, tmp_path):
    draw(name, folders["long names, digits"], tmp_path / name, NOTICE)
    sidecar = sidecars.read(tmp_path / f"{name}.json")
    assert (sidecar.chapter, sidecar.order, sidecar.width_px) == ("The laboratory", NAMES[name], 1056)
    assert sidecar.notice == (NOTICE if name in OF_IMAGES else None)
    assert ("digits" in sidecar.shown) == (name in OF_IMAGES)
    assert all((tmp_path / f"{name}.{suffix}").stat().st_size for suffix in ("svg", "png"))


@pytest.mark.parametrize("name", [name for name in NAMES if name not in COMPUTED])
def test_nothing_but_nulls_is_drawn_or_explained(name, folders, tmp_path, monkeypatch):
    keys = {"scale", "sigma_w2", "sigma_b2", "spectral_radius", "threshold", "learning_rate"}

    def nulls(rows):
        measured = rows.select_dtypes(["float32", "float64"]).columns.difference(keys)
        return rows.assign(**dict.fromkeys(measured, np.nan))

    table = figures()[name].table.partition("/")[2]
    rows = nulls(pd.read_parquet(folders["one of each"] / f"{table}.parquet"))
    made = drawn(synthetic_laboratory.write(tmp_path, {table: rows}), name)
    assert_legible(made, monkeypatch)


def test_colours_darken_away_from_one():
    colors = around_one([2, 0.5, 1, 0.9, 1.1])
    assert list(colors) == [0.5, 0.9, 1, 1.1, 2]
    assert (colors[0.5], colors[1], colors[2]) == (to_rgb(BLUE), to_rgb(BLACK), to_rgb(VERMILLION))
    assert sum(colors[0.9]) > sum(colors[0.5])
    assert sum(colors[1.1]) > sum(colors[2])
    assert list(around_one([0.5])) == [0.5]


def test_all_decades_are_on_the_axis():
    assert whole_decades(np.array([3e-31, 0.0, np.nan, 2e17])) == pytest.approx((1e-31, 1e18))
    assert whole_decades(np.array([5.0])) == pytest.approx((1, 10))
    assert whole_decades(np.array([1e-320, 1e300])) == pytest.approx((1e-150, 1e150))
    assert whole_decades(np.array([1e-200])) == pytest.approx((1e-150, 1e-149), rel=1e-6, abs=0)
    assert whole_decades(np.array([0.0, np.nan])) is None
