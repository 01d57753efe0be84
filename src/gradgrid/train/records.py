"""Records: what a stack's training leaves, as the rows of the tables that a bundle writes."""

from collections.abc import Sequence
from dataclasses import astuple, dataclass, field

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from gradgrid.core.plan import Run
from gradgrid.train.divergence import Divergence

_CLIPPING = ("clipped_fraction", "gradient_norm_median", "gradient_norm_p95", "gradient_norm_max")

Measured = dict[str, Tensor | int | str]
"""Columns of some rows, each a value a row, or one value for all."""

_NO_CLIPPING: Measured = {
    "run": torch.empty(0, dtype=torch.int64),
    "epoch": torch.empty(0, dtype=torch.int64),
    **dict.fromkeys(_CLIPPING, torch.empty(0, dtype=torch.float64)),
}


@dataclass
class Records:
    """Measurements of a stack's runs, gathered while they train.

    A measurement is kept as it was made; what a diverged run showed after its divergence is blanked in the
    tables, where its rows stay.
    """

    runs: Sequence[Run]
    dataset: str
    steps_per_epoch: int
    diverged: dict[int, Divergence] = field(default_factory=dict)
    gradients: list[Measured] = field(default_factory=list)
    accuracy: list[Measured] = field(default_factory=list)
    clipping: list[Measured] = field(default_factory=list)

    def add_gradients(self, step: int, measures: dict[str, Tensor]) -> None:
        """Measures [runs, layers] made after ``step`` updates."""
        runs, layers = next(iter(measures.values())).shape
        run, layer = torch.cartesian_prod(torch.arange(runs), torch.arange(1, layers + 1)).unbind(1)
        columns = {name: values.flatten() for name, values in measures.items()}
        self.gradients.append({"run": run, "layer": layer, "step": step, **columns})

    def add_accuracy(self, step: int, split: str, loss: Tensor, accuracy: Tensor) -> None:
        """Mean cost and accuracy [runs] on a split after ``step`` updates."""
        columns = {"loss": loss, "accuracy": accuracy}
        self.accuracy.append({"run": torch.arange(len(self.runs)), "step": step, "split": split, **columns})

    def add_clipping(self, epoch: int, norms: Tensor, clipped: Tensor) -> None:
        """Gradient norms before clipping and what clipping changed, [steps, M], over one epoch."""
        chosen = [i for i, run in enumerate(self.runs) if run.cell.clipping is not None]
        norms = norms[:, chosen].double().cpu().numpy()
        with np.errstate(invalid="ignore"):  # between two infinite norms there is no quantile: NaN
            p95 = np.quantile(norms, 0.95, axis=0)
        columns = {
            "clipped_fraction": clipped[:, chosen].double().mean(0).cpu(),
            "gradient_norm_median": torch.from_numpy(np.median(norms, 0)),
            "gradient_norm_p95": torch.from_numpy(p95),
            "gradient_norm_max": torch.from_numpy(norms.max(0)),
        }
        self.clipping.append({"run": torch.tensor(chosen), "epoch": epoch, **columns})

    def state(self) -> dict[str, dict | list[Measured]]:
        """Everything gathered, as tensors and plain values."""
        diverged = {run: astuple(where) for run, where in self.diverged.items()}
        measured = {"gradients": self.gradients, "accuracy": self.accuracy, "clipping": self.clipping}
        return {"diverged": diverged, **measured}

    def restore(self, state: dict[str, dict | list[Measured]]) -> None:
        """Take over the :meth:`state` of records of the same runs."""
        self.diverged = {run: Divergence(*where) for run, where in state["diverged"].items()}
        self.gradients, self.accuracy, self.clipping = (
            state[name] for name in ("gradients", "accuracy", "clipping")
        )

    def tables(self) -> dict[str, pd.DataFrame]:
        """The bundle tables gradients, accuracy, clipping and runs, without the columns filled in later."""
        runs = self._factors()
        return {
            "runs": self._finals(runs),
            "gradients": self._rows(_frame(self.gradients), runs),
            "accuracy": self._rows(_frame(self.accuracy), runs),
            "clipping": self._rows(_frame(self.clipping or [_NO_CLIPPING]), runs),
        }

    def _factors(self) -> pd.DataFrame:
        rows = [
            {"run_id": run.run_id, "cell_id": run.cell.cell_id, "dataset": self.dataset, **run.cell.labels}
            | {"seed": run.seed}
            for run in self.runs
        ]
        return pd.DataFrame(rows)

    def _finals(self, runs: pd.DataFrame) -> pd.DataFrame:
        finals = runs.copy()
        finals["status"] = ["diverged" if i in self.diverged else "completed" for i in runs.index]
        where = [self.diverged.get(i) for i in runs.index]
        finals["diverged_at_step"] = pd.array([d and d.step for d in where], "Int32")
        finals["diverged_layer"] = pd.array([d and d.layer for d in where], "Int32")
        accuracy = self._blanked(_frame(self.accuracy))
        last = accuracy[accuracy.step == accuracy.step.max()].pivot(
            index="run", columns="split", values="accuracy"
        )
        for split in ("train", "validation", "test"):
            finals[f"{split}_accuracy"] = last[split]
        after = accuracy[(accuracy.split == "validation") & (accuracy.step > 0)]
        finals["best_validation_accuracy"] = after.groupby("run")["accuracy"].max()
        return finals

    def _rows(self, measured: pd.DataFrame, runs: pd.DataFrame) -> pd.DataFrame:
        rows = self._blanked(measured)
        if "step" in rows:
            rows["epoch"] = rows.step / self.steps_per_epoch
        rows = rows.sort_values("run", kind="stable")
        return rows.merge(runs, left_on="run", right_index=True)

    def _blanked(self, rows: pd.DataFrame) -> pd.DataFrame:
        """NaN for every measure of a diverged run from the divergence on."""
        never = np.iinfo(np.int64).max
        first_bad = rows["run"].map({run: d.step for run, d in self.diverged.items()}).fillna(never)
        step = rows["step"] if "step" in rows else rows["epoch"] * self.steps_per_epoch
        measures = [name for name in rows if name not in ("run", "layer", "step", "split", "epoch")]
        blanked = rows.copy()
        blanked[measures] = rows[measures].astype(float).where(step < first_bad)
        return blanked


def _frame(measured: Sequence[Measured]) -> pd.DataFrame:
    return pd.concat([pd.DataFrame(columns) for columns in measured], ignore_index=True)
