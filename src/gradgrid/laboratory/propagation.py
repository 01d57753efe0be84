"""Signal and gradient through untrained deep networks, layer by layer: initializers × activations × seeds."""

from collections.abc import Sequence

import pandas as pd
import torch
from torch import Tensor

from gradgrid.core.entries import Entry
from gradgrid.core.jobs import Progress
from gradgrid.core.laboratory_tables import LABORATORY_TABLES
from gradgrid.laboratory.networks import propagate
from gradgrid.laboratory.weights import side_by_side, standard_normal


@torch.inference_mode()
def propagation(settings: dict, width: int) -> dict[str, pd.DataFrame]:
    """The rows of one width of the tables ``laboratory/propagation`` and ``laboratory/overflow``.

    Networks are computed in float32, deviations in float64. A seed's inputs, first gradient and underlying draws of
    weights are the same for all initializers and activations.
    """
    activations, initializers = (
        [Entry.from_written(written) for written in settings[name]] for name in ("activation", "initializer")
    )
    total = len(initializers) * len(settings["seeds"]) * len(activations)
    progress = Progress(f"width {width}: {settings['depth']} untrained layers", total, "networks")
    tables = {"propagation": [], "overflow": []}
    for initializer in initializers:
        for seed in settings["seeds"]:
            names = {"width": width, "initializer": initializer.label, "seed": seed}
            given = [standard_normal(of, seed, settings["inputs"], width) for of in ("inputs", "gradient")]
            for networks in side_by_side(initializer, activations, width, seed):
                found = propagate(networks, settings["depth"], *given)
                labels = [activation.label for activation in networks.activations]
                tables["propagation"].append(layer_rows(found, "activation", labels).assign(**names))
                tables["overflow"].append(_overflow_rows(found, labels).assign(**names))
                progress(len(labels))
    return {
        name: pd.concat(frames, ignore_index=True)[LABORATORY_TABLES[name].schema.names]
        for name, frames in tables.items()
    }


def layer_rows(found: dict[str, Tensor], name: str, levels: Sequence) -> pd.DataFrame:
    """Measures [networks, layers] as rows; ``levels`` tell the networks apart, in the column ``name``."""
    layers = range(1, found["activation_std"].shape[1] + 1)
    index = pd.MultiIndex.from_product([levels, layers], names=[name, "layer"])
    columns = {measure: values.flatten().numpy() for measure, values in found.items()}
    return pd.DataFrame(columns, index=index).reset_index()


def _overflow_rows(found: dict[str, Tensor], labels: Sequence[str]) -> pd.DataFrame:
    std = found["torch_std"]
    return pd.DataFrame(
        {
            "activation": labels,
            "first_nonfinite_layer": _first(found["nonfinite"]),
            "first_nonfinite_std_layer": _first(~std.isfinite()),
            "first_nonfinite_variance_layer": _first(~std.square().isfinite()),
        }
    )


def _first(holds: Tensor) -> pd.Series:
    """The first layer, counted from 1, of each row [networks, layers] in which it holds; null: none."""
    layers = pd.Series(holds.int().argmax(1).numpy() + 1, dtype="Int32")
    return layers.where(holds.any(1).numpy())
