"""Believable tables of the laboratory, made in a second without any network: for tests of figures, claims and report.

Signals and gradients follow mean-field theory (V(q) and chi, by quadrature) with luck that belongs to the seed;
weights without a theory count as independent draws. ``tables()`` has the size of the default settings.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from synthetic_mean_field import NO_DRAWS, TORCH_GAINS, Z, by_layer, function, weight_variance
from synthetic_remedies import remedies

from gradgrid.core.laboratory import ACTIVATIONS, INITIALIZERS
from gradgrid.core.laboratory_tables import LABORATORY_TABLES
from gradgrid.core.parquet import to_arrow, write_frame
from gradgrid.core.references import references

SEEDS = {"linear": 10, "propagation": 10, "phase": 3, "remedies": 3, "recurrent": 5}
LARGEST, SMALLEST = 3.4e38, 1.2e-38
"""Normal numbers of float32."""
MEASUREMENTS = 10


def tables(
    *,
    dataset: str = "mnist",
    scales: Sequence[float] = (0.5, 0.9, 1.0, 1.1, 1.5),
    widths: Sequence[int] = (400, 256),
    depth: int = 100,
    activations: Sequence[str] = ACTIVATIONS,
    initializers: Sequence[str] = INITIALIZERS,
    sigma_w2: Sequence[float] = (0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 4.0),
    sigma_b2: Sequence[float] = (0.05,),
    trained_depths: Sequence[int] = (5, 10, 20, 40, 70, 100),
    radii: Sequence[float] = (0.5, 0.9, 1.0, 1.1, 1.5, 2.0),
    steps: int = 800,
    pixel_steps: int = 200,
    threshold: float = 1.0,
    remedied_depths: Sequence[int] = (8, 16),
    rates: Sequence[float] = (0.01, 0.03, 0.1),
    large_rate: float = 0.3,
    seeds: int | None = None,
) -> dict[str, pd.DataFrame]:
    """All tables but the claims, by name; so many ``seeds`` in each, or as many as by default.

    Recurrent networks of a spectral radius of 1.5 or more diverge where their gradients are not clipped, all but the
    first seed.
    """
    count = dict.fromkeys(SEEDS, seeds) if seeds else SEEDS
    propagation = _propagation(widths, depth, activations, initializers, count["propagation"])
    made = {
        "linear": _linear(scales, depth, count["linear"]),
        "propagation": propagation,
        "overflow": _overflow(propagation),
        "by_hand": _by_hand(),
        "tutorial": _tutorial(),
        "gains": _gains(activations),
        "theory": _theory(widths, activations, initializers, dataset),
        "phase": _phase(sigma_w2, sigma_b2),
        "trainability": _trainability(sigma_w2, sigma_b2, trained_depths, count["phase"]),
        "remedies": remedies(remedied_depths, rates, large_rate, 1.0, 0.01, count["remedies"]),
        "recurrent": _recurrent(radii, count["recurrent"]),
        "recurrent_training": _recurrent_training(
            radii, count["recurrent"], {"rows": steps, "pixels": pixel_steps}, threshold
        ),
    }
    return {name: _shaped(frame.assign(dataset=dataset), name) for name, frame in made.items()}


def write(folder: Path, made: dict[str, pd.DataFrame] | None = None, **options: object) -> Path:
    """Write the tables (``tables(**options)`` unless given) as FOLDER/NAME.parquet; return FOLDER."""
    for name, frame in (made or tables(**options)).items():
        write_frame(frame, LABORATORY_TABLES[name], folder / f"{name}.parquet")
    return folder


def _every(**levels: Sequence) -> pd.DataFrame:
    """Every combination of the levels, the last varying fastest."""
    return pd.MultiIndex.from_product(levels.values(), names=levels).to_frame(index=False)


def _luck(rows: pd.DataFrame, *by: str, size: float) -> np.ndarray:
    """A factor near 1 for every combination of ``by``."""
    group = rows.groupby(list(by), sort=False).ngroup()
    return np.exp(size * np.random.default_rng(len(rows)).standard_normal(group.max() + 1))[group]


def _back(chi: np.ndarray) -> np.ndarray:
    """Size of the gradient at every layer, 1 at the last."""
    with np.errstate(over="ignore"):
        return np.append(np.cumprod(np.sqrt(chi[:0:-1]))[::-1], 1.0)


def _propagation(
    widths: Sequence[int], depth: int, activations: Sequence[str], initializers: Sequence[str], seeds: int
) -> pd.DataFrame:
    frames = []
    for pair in _every(width=widths, activation=activations, initializer=initializers).itertuples(
        index=False
    ):
        sigma_w2 = weight_variance(pair.initializer, pair.activation, pair.width)
        layers = by_layer(pair.activation, sigma_w2, depth, pair.initializer.startswith("lsuv"))
        finite = int((layers["activation_std"] < LARGEST).cumprod().sum())
        gradient = np.append(_back(layers["chi"].to_numpy()[:finite]), np.full(depth - finite, np.nan))
        frames.append(
            layers.assign(gradient_std=gradient, nonfinite=layers["layer"] > finite, **pair._asdict())
        )
    rows = pd.concat(frames, ignore_index=True).merge(pd.DataFrame({"seed": range(seeds)}), how="cross")
    rows[["activation_std", "gradient_std"]] *= _luck(rows, "seed", "layer", size=0.05)[:, None]
    measures = ["activation_std", "gradient_std", "preactivation_std"]
    rows[measures] = rows[measures].where(rows[measures] > SMALLEST, 0.0).where(rows[measures] < LARGEST)
    held = [*measures, "saturated_fraction", "dead_fraction"]
    rows[held] = rows[held].mask(rows["nonfinite"])
    return rows


def _overflow(propagation: pd.DataFrame) -> pd.DataFrame:
    """PyTorch's std overflows a little before the activations do, and the variance at their root."""
    network = ["width", "activation", "initializer", "seed"]
    std = propagation["activation_std"].fillna(np.inf)
    found = {
        "first_nonfinite_layer": propagation["nonfinite"],
        "first_nonfinite_std_layer": std > 1e37,
        "first_nonfinite_variance_layer": std > LARGEST**0.5,
    }
    layers = {name: propagation["layer"].where(beyond) for name, beyond in found.items()}
    return propagation[network].assign(**layers).groupby(network, sort=False).min().reset_index()


def _linear(scales: Sequence[float], depth: int, seeds: int) -> pd.DataFrame:
    levels = {"kind": ("scaled_identity", "gaussian"), "precision": ("float32", "float64")}
    rows = _every(**levels, scale=scales, seed=range(seeds), layer=range(1, depth + 1))
    single = rows["precision"] == "float32"
    with np.errstate(over="ignore", divide="ignore"):
        expected, back = rows["scale"] ** rows["layer"], rows["scale"] ** (depth - rows["layer"])
        decades = np.where(rows["scale"] > 1, np.log10(LARGEST), np.log10(SMALLEST)) * np.where(single, 1, 8)
        until = np.floor(decades / np.log10(rows["scale"]))
    stray = _luck(rows, "kind", "seed", "layer", size=0.05) ** np.where(rows["kind"] == "gaussian", 1, 0)
    gone = single & (rows["scale"] > 1) & (rows["layer"] > until)
    return rows.assign(
        activation_std=(expected * stray).mask(gone),
        gradient_std=(back * stray).mask(gone),
        expected_std=expected,
        expected_gradient_std=back.mask(gone),
        in_range_until=until.where(np.isfinite(until)),
    )


def _by_hand() -> pd.DataFrame:
    rows = [
        ("lecun_normal", "std = sqrt(1 / n_in)", 0.0447),
        ("xavier_uniform", "a = gain · sqrt(6 / (n_in + n_out))", 0.0857),
        ("kaiming_normal", "std = sqrt(2 / n_in)", 0.0632),
    ]
    frame = pd.DataFrame(rows, columns=["initializer", "formula", "std_expected"])
    stds = {"std_by_hand": 1.001 * frame["std_expected"], "std_by_library": 0.999 * frame["std_expected"]}
    return frame.assign(**stds, statistic=0.0025, p_value=[0.1, 0.4, 0.9])


def _tutorial() -> pd.DataFrame:
    layers = {
        "tutorial-linear-normal": (1, 2, 3, 30),
        "tutorial-tanh-xavier": (1, 2, 3, 100),
        "tutorial-gain-tanh": (None, None),
    }
    rows = [
        (name, layer, number)
        for name, of_name in layers.items()
        for layer, number in zip(of_name, references()[name].numbers, strict=True)
    ]
    frame = pd.DataFrame(rows, columns=["id", "layer", "published"])
    return frame.assign(measured=frame["published"], rounding=1e-7 * frame["published"])


def _gains(activations: Sequence[str]) -> pd.DataFrame:
    rows = []
    for activation in activations:
        f, slope = function(activation, Z)
        rows.append(
            {"activation": activation, "deviation_gain": 1 / f.std(),
             "second_moment_gain": np.square(f).mean() ** -0.5,
             "backward_gain": np.square(slope).mean() ** -0.5,
             "torch_gain": TORCH_GAINS.get(activation.partition("(")[0])}
        )  # fmt: skip
    return pd.DataFrame(rows)


def _theory(
    widths: Sequence[int], activations: Sequence[str], initializers: Sequence[str], dataset: str
) -> pd.DataFrame:
    """Without a theory for weights that are no independent draws; ``width`` 30 are the grid's own networks."""
    rows = _every(width=[*dict.fromkeys([*widths, 30])], activation=activations, initializer=initializers)
    kinds = [_expected(*row) for row in rows.itertuples(index=False)]
    columns = ["sigma_w2", "q_star", "stability", "chi_1", "factor_predicted"]
    rows = rows.join(pd.DataFrame(kinds, columns=columns).astype({"factor_predicted": float}))
    known = rows["factor_predicted"].notna()
    guess = rows["factor_predicted"].fillna(0.9)
    measured = guess * _luck(rows, "width", "activation", "initializer", size=0.004)
    return rows.assign(
        inputs=np.where(rows["width"] == 30, dataset, "standard_normal"),
        sigma_b2=np.where(rows["width"] == 30, 1.0, 0.0),
        first_layer=1, last_layer=np.where(rows["width"] == 30, 8, 100), spread=0.01,
        note=np.where(known, None, "no theory"),
        factor_measured=measured, low=0.99 * measured, high=1.01 * measured,
    )  # fmt: skip


def _expected(width: int, activation: str, initializer: str) -> dict:
    if initializer.partition("(")[0] in NO_DRAWS:
        return {}
    sigma_w2 = weight_variance(initializer, activation, width)
    layers = by_layer(activation, sigma_w2, 20)
    q, chi = layers["preactivation_std"].iloc[-1] ** 2, layers["chi"]
    stability = "diverges" if q > 1e8 else "collapses" if q < 1e-6 else "stable"
    factor = np.exp(np.log(chi.clip(lower=1e-30)).mean() / 2)
    ends = {"q_star": np.nan if stability == "diverges" else q, "stability": stability}
    return {"sigma_w2": sigma_w2, **ends, "chi_1": chi.iloc[-1], "factor_predicted": factor}


def _phase(sigma_w2: Sequence[float], sigma_b2: Sequence[float]) -> pd.DataFrame:
    """q* by iteration; xi_c in the chaotic phase is only of the right kind."""
    grids = {"sigma_w2": (np.linspace(0.1, 5, 50), sigma_w2), "sigma_b2": (np.linspace(0, 0.5, 41), sigma_b2)}
    rows = _every(**{name: sorted({*np.round(grid, 9), *added}) for name, (grid, added) in grids.items()})
    q = np.ones(len(rows))
    for _ in range(100):
        f = np.tanh(np.sqrt(q)[:, None] * Z)
        q = rows["sigma_w2"].to_numpy() * np.square(f).mean(1) + rows["sigma_b2"].to_numpy()
    rows = rows.assign(q_star=q, chi_1=rows["sigma_w2"] * np.square(1 - f**2).mean(1))
    line = rows.groupby("sigma_b2").apply(lambda part: np.interp(1, part["chi_1"], part["sigma_w2"]))
    return rows.assign(xi_c=_xi_c(rows["chi_1"]), critical_sigma_w2=rows["sigma_b2"].map(line))


def _xi_c(chi: pd.Series) -> pd.Series:
    return 1 / np.abs(np.log(chi)).clip(lower=1e-3)


def _trainability(
    sigma_w2: Sequence[float], sigma_b2: Sequence[float], depths: Sequence[int], seeds: int
) -> pd.DataFrame:
    """Accuracy falls to that of guessing where the depth passes 6 ξ_c."""
    phase = _phase(sigma_w2, sigma_b2)[["sigma_w2", "sigma_b2", "xi_c", "chi_1"]]
    rows = _every(sigma_w2=sigma_w2, sigma_b2=sigma_b2, depth=depths, seed=range(seeds))
    rows = rows.astype({"sigma_w2": float, "sigma_b2": float}).merge(phase, on=["sigma_w2", "sigma_b2"])
    reached = 1 / (1 + (rows["depth"] / (6 * rows["xi_c"])) ** 4)
    luck = _luck(rows, "sigma_w2", "sigma_b2", "depth", "seed", size=0.03)
    return rows.assign(accuracy=np.clip((0.1 + 0.82 * reached) * luck, 0.05, 0.97))


def _recurrent(radii: Sequence[float], seeds: int) -> pd.DataFrame:
    frames = []
    for sequence, length in (("rows", 28), ("pixels", 196)):
        rows = _every(
            sequence=[sequence], spectral_radius=radii, seed=range(seeds), time=range(1, length + 1)
        )
        factor = np.where(rows["spectral_radius"] < 1, 0.95, 0.85) * rows["spectral_radius"]
        luck = _luck(rows, "seed", size=0.3) * _luck(rows, "seed", "time", size=0.05)
        frames.append(rows.assign(gradient_norm=0.5 * factor ** (length - rows["time"]) * luck))
    return pd.concat(frames, ignore_index=True)


def _recurrent_training(
    radii: Sequence[float], seeds: int, steps: dict[str, int], threshold: float
) -> pd.DataFrame:
    frames = []
    for sequence, last in steps.items():
        at = sorted({round(last * i / MEASUREMENTS) for i in range(MEASUREMENTS + 1)})
        clippings = ("none", f"norm={threshold:g}")
        frames.append(
            _every(sequence=[sequence], spectral_radius=radii, clipping=clippings, seed=range(seeds), step=at)
        )
    rows = pd.concat(frames, ignore_index=True)
    done = rows["step"] / rows["sequence"].map(steps)
    clipped, radius = rows["clipping"] != "none", rows["spectral_radius"]
    top = np.where(rows["sequence"] == "rows", 0.9, 0.3) - np.where(clipped, 0.02, 0.1) * (radius - 1).abs()
    luck = _luck(rows, "sequence", "spectral_radius", "clipping", "seed", size=0.02)
    norm = np.maximum(radius, 0.9) ** 8 * luck * _luck(rows, "seed", "step", size=0.2)
    measures = {
        "loss": (2.3 - 1.9 * done * top).where(done > 0),
        "accuracy": (0.1 + (top - 0.1) * done**0.4) * luck,
        "gradient_norm": norm.where(done > 0),
        "trained_radius": radius + 0.1 * done,
    }
    gone = (radius >= 1.5) & ~clipped & (rows["seed"] > 0) & (done > 0.3)
    held = {name: values.mask(gone) for name, values in measures.items()}
    return rows.assign(**held, status=np.where(gone, "diverged", "training"))


def _shaped(frame: pd.DataFrame, name: str) -> pd.DataFrame:
    """The columns of the table in order, with the types that reading its parquet file gives."""
    return to_arrow(frame, LABORATORY_TABLES[name]).to_pandas()
