"""The figures of the book's trainings and speeds of learning with all kinds of settings: drawn, legible, the same."""

import re

import numpy as np
import pytest
import synthetic_book
from book_drawings import KINDS, QUICK
from drawings import NOTICE, assert_legible, drawn, telling
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.text import Text

from gradgrid.core.figures import figures
from gradgrid.figures.draw import draw
from gradgrid.figures.style import GREY

ACCURACY = ["book_accuracy", "book_final_accuracy", "book_initialization"]
SPEED = [
    "book_initial_speed",
    "book_training_speed",
    "book_training_weight_speed",
    "book_training_activations",
]
NAMES = [*ACCURACY, *SPEED]


@pytest.mark.parametrize("name", [name for name in NAMES if name != "book_training_weight_speed"])
def test_on_other_images_the_books_points_are_grey_and_said_not_to_compare(name, tmp_path):
    folder = synthetic_book.write(tmp_path, **QUICK, dataset="digits")
    made = drawn(folder, name, NOTICE)
    of_book = [line for axes in made.figure.findobj(Axes) for line in axes.lines if line.get_marker() == "D"]
    assert of_book
    assert {to_hex(line.get_markeredgecolor()) for line in of_book} == {GREY}
    assert {line.get_markerfacecolor() for line in of_book} == {"none"}
    assert "in grey, are of MNIST and do not compare" in made.caption
    assert not re.search(r"the book's 9|Of the book's|than the book's", made.caption)
    assert any(NOTICE in text.get_text() for text in made.figure.findobj(Text))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("kind", telling(KINDS, "one of everything", "unpublished", "all diverged"))
def test_every_kind_of_settings_is_drawn_and_legible(kind, name, books, monkeypatch):
    assert_legible(drawn(books(kind), name, NOTICE if kind == "digits" else None), monkeypatch)


@pytest.mark.parametrize("name", NAMES)
def test_the_default_settings_are_legible(name, small_book, monkeypatch):
    assert_legible(drawn(small_book, name), monkeypatch)


@pytest.mark.parametrize("name", NAMES)
def test_nothing_but_nulls_is_explained(name, tmp_path):
    made = synthetic_book.tables(**QUICK)
    for table in ("accuracy", "initialization", "initial_speed", "training_speed"):
        frame = made[table]
        frame[frame.select_dtypes("float32").columns] = np.nan
    figure = drawn(synthetic_book.write(tmp_path, made), name)
    assert figure.alt.startswith("No figure: ")


@pytest.mark.parametrize("name", telling(NAMES, "book_accuracy", "book_neurons", "book_chain_factor"))
def test_a_figure_is_written_with_the_same_bytes_each_time(name, books, tmp_path):
    for folder in ("one", "two"):
        draw(name, books("some diverged"), tmp_path / folder / name)
    for suffix in ("svg", "png", "json"):
        one, two = (tmp_path / folder / f"{name}.{suffix}" for folder in ("one", "two"))
        assert one.read_bytes() == two.read_bytes()
    assert figures()[name].chapter == "The book's chapter"


def test_without_the_sigmoid_or_without_another_activation_the_reason_stands_in_the_figure(books):
    for name in ("book_training_speed", "book_training_weight_speed"):
        assert "sigmoid, was trained" in drawn(books("unpublished"), name).caption
    assert (
        "Only sigmoid was trained" in drawn(books("one of everything"), "book_training_activations").caption
    )


def test_after_other_epochs_than_the_books_its_final_accuracies_do_not_compare(books):
    made = drawn(books("unpublished"), "book_final_accuracy")
    assert made.caption.endswith("are of 30 epochs and do not compare.")
