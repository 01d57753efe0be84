"""Believable tables of the book's chapter, made in a second without training: for tests of claims, figures and report.

Accuracies and speeds of learning lie around the published ones (``core/references.csv``), with luck that belongs
to the seed; where nothing is published, a layer learns four times more slowly than the next. Chains and factors of
the gradient are computed from random draws as the real ones are. ``tables()`` has the size of the default settings.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from gradgrid.core.book_tables import BOOK_TABLES
from gradgrid.core.parquet import to_arrow, write_frame
from gradgrid.core.references import references

SEEDS = {"accuracy": 16, "initialization": 8, "initial_speed": 200, "training_speed": 24, "matrix": 20}
WIDTH, CLASSES, LAYERS_OF_CHAIN = 30, 10, 4
LUCK = {"accuracy": 0.0012, "decades": 0.1}
"""Standard deviations over the seeds: of an accuracy, and of log10 of a speed of learning."""
PUBLISHED_STEPS = (0, 100, 250, 499)


def tables(
    *,
    dataset: str = "mnist",
    depths: Sequence[int] = (1, 2, 3, 4),
    widths: Sequence[int] = (30, 100),
    initializers: Sequence[str] = ("lecun_normal", "normal"),
    speed_depths: Sequence[int] = (2, 3, 4, 5, 6, 8),
    steepness: Sequence[float] = (1.0, 2.0, 4.0, 8.0),
    training_depths: Sequence[int] = (2, 3, 4),
    activations: Sequence[str] = ("sigmoid", "tanh", "relu"),
    seeds: int | None = None,
    epochs: int = 30,
    steps: int = 500,
    chains: int = 10_000,
    diverged: int = 0,
) -> dict[str, pd.DataFrame]:
    """All tables but the claims, by name; so many ``seeds`` in each table, or as many as by default.

    Of every network that is trained the first ``diverged`` seeds diverge in the second half of their epochs.
    """
    count = dict.fromkeys(SEEDS, seeds) if seeds else SEEDS
    trained = {"epochs": epochs, "diverged": diverged}
    made = {
        "accuracy": _accuracy(depths, count["accuracy"], **trained),
        "initialization": _initialization(widths, initializers, count["initialization"], **trained),
        "initial_speed": _untrained(speed_depths, count["initial_speed"]),
        "neurons": _neurons(count["initial_speed"]),
        "steepness": _steepness(max(speed_depths), steepness, count["initial_speed"]),
        "training_speed": _training_speed(training_depths, activations, count["training_speed"], steps),
        "chain": _chain(chains),
        "matrix": _matrix(max(depths), count["matrix"]),
        "problems": _problems(),
        "curves": _curves(),
    }
    return {name: _shaped(frame.assign(dataset=dataset), name) for name, frame in made.items()}


def write(folder: Path, made: dict[str, pd.DataFrame] | None = None, **options: object) -> Path:
    """Write the tables (``tables(**options)`` unless given) as FOLDER/NAME.parquet; return FOLDER."""
    for name, frame in (made or tables(**options)).items():
        write_frame(frame, BOOK_TABLES[name], folder / f"{name}.parquet")
    return folder


def _every(**levels: Sequence) -> pd.DataFrame:
    """Every combination of the levels, the last varying fastest."""
    return pd.MultiIndex.from_product(levels.values(), names=levels).to_frame(index=False)


def _published(name: str) -> np.ndarray:
    return np.array(references()[name].numbers)


def _accuracy(depths: Sequence[int], seeds: int, epochs: int, diverged: int) -> pd.DataFrame:
    rows = _splits(_every(depth=depths, seed=range(seeds), epoch=range(epochs + 1)))
    last = {depth: _published(f"book-accuracy-{min(depth, 4)}")[0] / 100 for depth in depths}
    return _learned(rows, rows["depth"].map(last), 0.93 - 0.01 * (rows["depth"] - 1), ["depth"], diverged)


def _initialization(
    widths: Sequence[int], initializers: Sequence[str], seeds: int, epochs: int, diverged: int
) -> pd.DataFrame:
    rows = _splits(_every(width=widths, initializer=initializers, seed=range(seeds), epoch=range(epochs + 1)))
    ends = [_ends(*key) for key in zip(rows["width"], rows["initializer"], strict=True)]
    first, last = np.array(ends).T
    return _learned(rows, last, first, ["width", "initializer"], diverged)


def _ends(width: int, initializer: str) -> np.ndarray:
    """Validation accuracy after epoch 1 and after epoch 30, of the nearest published network."""
    weights = "large" if initializer == "normal" else "default"
    return _published(f"book-init-{30 if width < 65 else 100}-{weights}") / 100


def _splits(rows: pd.DataFrame) -> pd.DataFrame:
    """Every row on the train and validation images, and after the last epoch on the test images."""
    rows = rows.loc[rows.index.repeat(3)].reset_index(drop=True)
    rows["split"] = np.tile(["train", "validation", "test"], len(rows) // 3)
    return rows[(rows["split"] != "test") | (rows["epoch"] == rows["epoch"].max())].reset_index(drop=True)


def _learned(
    rows: pd.DataFrame, last: Sequence[float], first: Sequence[float], network: list[str], diverged: int
) -> pd.DataFrame:
    """Accuracy that nears its end from what guessing gives, through ``first`` after epoch 1."""
    rng = np.random.default_rng(0)
    runs = rows.groupby([*network, "seed"], sort=False).ngroup()
    luck = LUCK["accuracy"] * rng.standard_normal(runs.max() + 1)[runs]
    noise = LUCK["accuracy"] / 3 * rng.standard_normal(len(rows))
    epoch, end = np.maximum(rows["epoch"], 1), max(rows["epoch"].max(), 2)
    missing = (last - first) * (1 / epoch - 1 / end) / (1 - 1 / end)
    reached = (last - missing).mask(rows["epoch"] == 0, 0.1)
    seen = rows["split"].map({"train": 0.015, "validation": 0.0, "test": -0.002}) * (rows["epoch"] > 0)
    gone = (rows["seed"] < diverged) & (2 * rows["epoch"] > rows["epoch"].max())
    return rows.assign(accuracy=(reached + seen + luck + noise).mask(gone))


def _hidden_speeds(depth: int, moment: int) -> np.ndarray:
    """Speed of learning of the hidden layers at one of the published steps."""
    published = _published(f"book-speed-{min(max(depth, 2), 4)}-epoch-{PUBLISHED_STEPS[moment]}")[-depth:]
    before = published[0] / 4.0 ** np.arange(depth - len(published), 0, -1)
    return np.concatenate([before, published])


def _with_norms(rows: pd.DataFrame, speed: np.ndarray, like: list[str]) -> pd.DataFrame:
    """The two norms; rows that agree in ``like`` share their luck."""
    rng = np.random.default_rng(1)
    group = rows.groupby(like, sort=False).ngroup()
    norm = speed * 10 ** (LUCK["decades"] * rng.standard_normal(group.max() + 1)[group])
    return rows.assign(bias_gradient_norm=norm, weight_gradient_norm=3 * norm)


def _untrained(depths: Sequence[int], seeds: int) -> pd.DataFrame:
    frames = []
    for depth in depths:
        hidden = _hidden_speeds(depth, 0)
        rows = _every(depth=[depth], seed=range(seeds), layer=range(1, depth + 2))
        speed = np.tile([*hidden, 4 * hidden[-1]], seeds)
        frames.append(_with_norms(rows, speed, ["seed", "layer"]))
    return pd.concat(frames)


def _neurons(seeds: int) -> pd.DataFrame:
    rows = _every(seed=range(seeds), layer=(1, 2), neuron=range(1, WIDTH + 1))
    spread = _hidden_speeds(2, 0)[rows["layer"] - 1] / np.sqrt(WIDTH)
    return rows.assign(bias_gradient=spread * np.random.default_rng(2).standard_normal(len(rows)))


def _steepness(depth: int, steepness: Sequence[float], seeds: int) -> pd.DataFrame:
    """A layer multiplies by √E[f'(z)²], z ~ N(0, 1.3), f'(z) = s σ'(s z)."""
    rows = _every(steepness=steepness, depth=[depth], seed=range(seeds), layer=range(1, depth + 2))
    z = np.sqrt(1.3) * np.random.default_rng(3).standard_normal(10_000)
    gain = {s: np.sqrt(np.mean((s * _slope(s * z)) ** 2)) for s in steepness}
    speed = 1.2 * rows["steepness"].map(gain) ** (depth + 1 - rows["layer"])
    return _with_norms(rows, speed.to_numpy(), ["steepness", "seed", "layer"])


def _training_speed(
    depths: Sequence[int], activations: Sequence[str], seeds: int, steps: int
) -> pd.DataFrame:
    """Sigmoid through the published points; the other activations' layers all learn like its last one."""
    frames = []
    for depth in depths:
        levels = {"depth": [depth], "activation": activations, "seed": range(seeds)}
        rows = _every(**levels, step=range(steps), layer=range(1, depth + 2))
        sigmoid = _followed(depth, steps)
        layer = np.where(rows["activation"] == "sigmoid", rows["layer"], np.maximum(rows["layer"], depth))
        speed = sigmoid[rows["step"], layer - 1]
        frames.append(_with_norms(rows, speed, ["activation", "seed", "layer"]))
    return pd.concat(frames)


def _followed(depth: int, steps: int) -> np.ndarray:
    """Speeds [steps, layers], between the published steps by interpolation of logarithms."""
    hidden = np.log([_hidden_speeds(depth, moment) for moment in range(len(PUBLISHED_STEPS))])
    at, known = np.log1p(np.arange(steps)), np.log1p(PUBLISHED_STEPS)
    layers = [np.interp(at, known, layer) for layer in hidden.T]
    return np.exp(np.column_stack([*layers, layers[-1] + np.log(2)]))


def _sigmoid(z: np.ndarray) -> np.ndarray:
    return (1 + np.tanh(z / 2)) / 2


def _slope(z: np.ndarray) -> np.ndarray:
    return _sigmoid(z) * (1 - _sigmoid(z))


def _chain(chains: int) -> pd.DataFrame:
    rng = np.random.default_rng(4)
    weights, biases = rng.standard_normal((2, chains, LAYERS_OF_CHAIN))
    normal = _linked("normal", weights, biases)
    # A weighted input of 0 makes every activation 1/2, like the input: w/2 + b = 0.
    exploding = _linked(
        "exploding", np.full((1, LAYERS_OF_CHAIN), 100.0), np.full((1, LAYERS_OF_CHAIN), -50.0)
    )
    return pd.concat([normal, exploding])


def _linked(kind: str, weights: np.ndarray, biases: np.ndarray) -> pd.DataFrame:
    """Chains [chains, layers] with input 1/2, and the quadratic cost with target 0."""
    activations, inputs = [np.full(len(weights), 0.5)], []
    for w, b in zip(weights.T, biases.T, strict=True):
        inputs.append(w * activations[-1] + b)
        activations.append(_sigmoid(inputs[-1]))
    z = np.stack(inputs, 1)
    factors = weights * _slope(z)
    behind = np.cumprod(factors[:, :0:-1], 1)[:, ::-1]
    behind = np.concatenate([behind, np.ones((len(weights), 1))], 1)
    gradient = _slope(z) * behind * activations[-1][:, None]
    rows = _every(kind=[kind], chain=range(len(weights)), layer=range(1, LAYERS_OF_CHAIN + 1))
    measures = {"weight": weights, "bias": biases, "weighted_input": z, "factor": factors}
    measures |= {"gradient": gradient, "gradient_autograd": gradient}
    return rows.assign(**{name: values.ravel() for name, values in measures.items()})


def _matrix(depth: int, seeds: int) -> pd.DataFrame:
    rng = np.random.default_rng(5)
    frames = []
    for seed in range(seeds):
        product = np.eye(CLASSES)
        for layer in range(depth, 0, -1):
            slopes = np.diag(_slope(np.sqrt(1.3) * rng.standard_normal(WIDTH)))
            weights = rng.standard_normal((WIDTH, len(product))) / np.sqrt(WIDTH)
            step = slopes @ weights
            product = step @ product
            factors = {"slopes": slopes, "weights": weights, "step": step, "product": product}
            frames += [_spectrum(matrix).assign(seed=seed, layer=layer, factor=name)
                       for name, matrix in factors.items()]  # fmt: skip
    return pd.concat(frames).assign(depth=depth, image=0)


def _spectrum(matrix: np.ndarray) -> pd.DataFrame:
    values = np.linalg.svd(matrix, compute_uv=False)
    return pd.DataFrame({"rank": np.arange(1, len(values) + 1), "singular_value": values})


def _problems() -> pd.DataFrame:
    rows = [
        ("range of activations", "weight with the widest range", 6.9081, 6.9),
        ("range of activations", "width of the widest range", 0.4461, 0.45),
        ("identity neuron", "largest error for inputs between 0 and 1", 0.0012, np.nan),
    ]
    named = pd.DataFrame(rows, columns=["problem", "quantity", "value", "expected"])
    return named.assign(source="Nielsen, ch. 5, problems")


def _curves() -> pd.DataFrame:
    z, weight, x = np.linspace(-8, 8, 161), np.linspace(4, 100, 300), np.linspace(0, 1, 101)
    root = np.sqrt(1 - 4 / weight)
    small = np.geomspace(0.01, 10, 61)
    points = {
        "sigmoid_slope": (z, _slope(z)),
        "width_of_set": (weight, 2 / weight * np.log(np.maximum(weight * (1 + root) / 2 - 1, 1))),
        "identity_error_literal": (small, np.maximum(0.5 - 0.08 * small, 0.056)),
        "identity_error_with_constant": (small, small**2 / 384),
        "identity_error_taylor": (small, small**2 / 96),
        "identity_neuron_literal": (x, _sigmoid(5.65 * (x - 0.5))),
    }
    return pd.concat(pd.DataFrame({"curve": curve, "x": x, "y": y}) for curve, (x, y) in points.items())


def _shaped(frame: pd.DataFrame, name: str) -> pd.DataFrame:
    """The columns of the table in order, with the types that reading its parquet file gives."""
    return to_arrow(frame, BOOK_TABLES[name]).to_pandas()
