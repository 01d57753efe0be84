"""What the figures of the statistics and the map of verdicts plot, compared with their tables."""

import re
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import synthetic
from drawings import axes_of, drawn, panels
from matplotlib.colors import to_hex
from matplotlib.patches import Rectangle

from gradgrid.core.statistics_tables import behind_best
from gradgrid.core.verdicts import VERDICTS
from gradgrid.figures import style, verdicts
from gradgrid.figures.levels import ordered
from gradgrid.figures.statistics import INSIDE, not_told_apart

STYLE = Path(__file__).parents[2] / "src/gradgrid/report/templates/style.css"


def table(folder, name):
    return pd.read_parquet(folder / f"{name}.parquet")


def test_ranks_are_plotted_and_lines_run_along_those_not_told_apart(default_grid):
    frame = table(default_grid, "ranks")
    axes = axes_of(drawn(default_grid, "initializer_ranks"))[0]
    dots = next(line for line in axes.lines if line.get_marker() == "o")
    assert [label.get_text() for label in axes.get_yticklabels()] == frame["initializer"].tolist()
    np.testing.assert_allclose(dots.get_xdata(), frame["mean_rank"])
    groups = not_told_apart(frame["mean_rank"].to_numpy(), frame["critical_difference"].iloc[0])
    found = [tuple(line.get_ydata()) for line in axes.lines if line.get_color() == style.GREY]
    assert found == groups
    assert len(groups) > 1


@pytest.mark.parametrize("seed", range(5))
def test_groups_are_the_largest_sets_in_which_every_two_are_nearer_than_the_difference(seed):
    ranks = np.sort(np.random.default_rng(seed).uniform(1, 8, 8))
    near = [
        places
        for size in range(2, 9)
        for places in combinations(range(8), size)
        if ranks[places[-1]] - ranks[places[0]] < 2 and places[-1] - places[0] == size - 1
    ]
    largest = [(p[0], p[-1]) for p in near if not any(set(p) < set(other) for other in near)]
    assert not_told_apart(ranks, 2) == sorted(largest)


def test_differences_are_those_from_the_best_level_and_grey_inside_the_noise(default_grid):
    made = drawn(default_grid, "level_differences")
    frame = table(default_grid, "comparisons")
    assert set(frame["noise"]) == {"inside", "outside"}
    for axes in panels(made.figure) or axes_of(made):
        factor = axes.get_title(loc="left").partition(":")[0].replace(" ", "_")
        rows = behind_best(frame[frame["factor"] == factor])
        assert (rows["difference"] <= 0).all()
        assert [label.get_text() for label in axes.get_yticklabels()] == rows["level"].tolist()
        plotted = {
            (place, round(x, 6)): to_hex(line.get_color())
            for line in axes.lines
            if line.get_marker() == "o"
            for x, place in zip(line.get_xdata(), line.get_ydata(), strict=True)
        }
        expected = {
            (place, round(100 * row.difference, 6)): INSIDE if row.noise == "inside" else style.BLUE.lower()
            for place, row in enumerate(rows.itertuples())
        }
        assert plotted == expected


def test_the_caption_names_what_is_inside_the_noise_of_the_best(default_grid):
    caption = drawn(default_grid, "level_differences").caption
    frame = table(default_grid, "comparisons")
    for factor, rows in frame.groupby("factor", observed=True):
        near = behind_best(rows).query("noise == 'inside'")
        assert all(level in caption.split("Not told apart: ")[1] for level in near["level"]), factor


def test_one_seed_is_said_to_have_no_intervals(tmp_path):
    folder = synthetic.write(tmp_path, depths=(1, 2), initializers=("lsuv", "normal"), seeds=1)
    assert (
        "there is one seed: no difference can be told from noise"
        in drawn(folder, "level_differences").caption
    )
    assert "jackknife" not in drawn(folder, "variance_shares").caption


def test_shares_are_bars_in_percent_that_add_up(default_grid):
    made = drawn(default_grid, "variance_shares")
    frame = table(default_grid, "effects")
    bars = [patch for patch in axes_of(made)[0].patches if isinstance(patch, Rectangle)]
    np.testing.assert_allclose([bar.get_width() for bar in bars], 100 * frame["share"])
    assert sum(bar.get_width() for bar in bars) == pytest.approx(100)
    assert f"{frame['effect'].iloc[0].capitalize()} explains most by itself" in made.caption


def test_the_map_has_every_cells_verdict_by_colour_and_letter(default_grid):
    made = drawn(default_grid, "verdict_map")
    cells = table(default_grid, "cells")
    squares = [
        to_hex(patch.get_facecolor())
        for axes in axes_of(made)
        for patch in axes.patches
        if isinstance(patch, Rectangle)
    ]
    expected = cells["verdict"].map(style.VERDICTS).value_counts().to_dict()
    assert pd.Series(squares).value_counts().to_dict() == expected
    letters = [text.get_text() for axes in axes_of(made) for text in axes.texts]
    for word, letter in verdicts.LETTERS.items():
        if letter:
            assert letters.count(letter) == (cells["verdict"] == word).sum()
    assert f"{(cells['verdict'] == 'healthy').sum():,} of 864 cells" in made.caption


def test_a_square_stands_where_its_cell_is(small_grid):
    made = drawn(small_grid, "verdict_map")
    cells = table(small_grid, "cells")
    axes = next(axes for axes in axes_of(made) if axes.get_title() == "depth 4")
    names = [ordered(factor, cells[factor].unique().tolist()) for factor in ("activation", "initializer")]
    shown = cells[(cells["depth"] == 4) & (cells["clipping"] == "none")]
    found = {
        (names[0][int(patch.get_x())], names[1][int(patch.get_y())]): to_hex(patch.get_facecolor())
        for patch in axes.patches
    }
    assert found == {
        (cell.activation, cell.initializer): style.VERDICTS[cell.verdict] for cell in shown.itertuples()
    }
    assert len(set(found.values())) > 1


def test_seeds_that_do_not_agree_have_a_dot(tmp_path):
    made = synthetic.tables(
        depths=(2,), activations=("relu", "tanh"), initializers=("lsuv",), clippings=("none",)
    )
    made["cells"]["runs_of_verdict"] = [5, 3]
    axes = axes_of(drawn(synthetic.write(tmp_path, made), "verdict_map"))[0]
    (dots,) = axes.lines
    names = [label.get_text() for label in axes.get_xticklabels()]
    assert [names[int(x)] for x in dots.get_xdata()] == [made["cells"]["activation"].iloc[1]]


def test_where_letters_would_be_too_small_there_are_hatches(tmp_path):
    folder = synthetic.write(
        tmp_path, depths=range(1, 25), initializers=("normal", "lsuv"), clippings=("none",), seeds=1
    )
    axes = axes_of(drawn(folder, "verdict_map"))[0]
    assert not [text for text in axes.texts if text.get_text() in set(verdicts.LETTERS.values())]
    assert set(verdicts.HATCHES.values()) >= {patch.get_hatch() or "" for patch in axes.patches}
    assert len(set(verdicts.HATCHES.values())) == len(set(verdicts.LETTERS.values())) == len(VERDICTS)


def test_verdicts_have_the_colours_of_the_page():
    light = STYLE.read_text(encoding="utf-8").split("@media (prefers-color-scheme: dark)")[0]
    page = dict(re.findall(r"--([\w-]+): (#\w{6})", light))
    short = {"dead units": "dead", "never learned": "never"}
    assert {word: page[short.get(word, word)] for word in style.VERDICTS} == style.VERDICTS
    assert set(style.VERDICTS) == set(VERDICTS)
