"""Time training steps side by side: a plain PyTorch loop, the book's NumPy loop, two ways to stack, and GradGrid's two.

    python -m benchmarks.training [--device cuda] [--only TABLE …] [--json FILE]

One process, one thread or GPU, MNIST, processor time (with a GPU wall time). Every contestant takes its turn in each
round; told are the median over the rounds, the middle half of them, and the ratio to the plain loop of the same rounds;
for other optimizers and for clipping also the kernel's time in units of its own by sgd with the same clipping, or of
sgd's without clipping.
The floor beside it are the same matrix products alone, and on the CPU the bytes that a step must move at the speed at
which this core copies memory. What the plan's model says of the kernel, on this machine, is told too.
"""

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import torch

from benchmarks.contestants import (
    Setting,
    Steps,
    book_loop,
    compiled_stack,
    kernel,
    plain_loop,
    products,
    pytorch_stack,
    replayed,
    stack,
    stacked_autograd,
    torch_func,
)
from gradgrid.core.config import Dataset
from gradgrid.core.errors import GradgridError
from gradgrid.core.times import step_microseconds
from gradgrid.data import Data, load, prepare
from gradgrid.train.device import device_facts, find_device
from gradgrid.train.evaluation import evaluate
from gradgrid.train.images import Images
from gradgrid.train.native import PARTS
from gradgrid.train.pace import measure_pace
from gradgrid.train.probes import measure

RUNS = 64
"""M, where it is not what varies."""

PLAIN, KERNEL, BY_SGD = "plain PyTorch loop", "GradGrid, kernel", "the kernel, by sgd"

KERNELS_STEPS = 500
"""What the kernel takes in a turn: as many as in training between two reports of progress. It takes 32 steps of a run
before the next run's, so that in a turn of a few steps bringing weights from memory would be most of what it does."""

Contestants = dict[str, tuple[Steps, int]]
"""How each takes steps, and of how many runs at a time."""


def contestants(data: Data, images: Images, setting: Setting, runs: int = RUNS) -> Contestants:
    """Everyone who can do it."""
    found: Contestants = {PLAIN: (plain_loop(data, setting), 1)}
    if setting.optimizer == "sgd" and setting.clipping != "value":
        found["NumPy, the book's way"] = (book_loop(data, setting), 1)
        found["torch.func"] = (torch_func(data, setting, runs), runs)
        found["stacked autograd"] = (stacked_autograd(data, setting, runs), runs)
    found["GradGrid, PyTorch"] = (stack(images, setting, runs), runs)
    found[KERNEL] = (kernel(images, setting, runs), runs)
    if setting.optimizer != "sgd":
        found[BY_SGD] = (kernel(images, replace(setting, optimizer="sgd"), runs), runs)
    elif setting.clipping:
        found[BY_SGD] = (kernel(images, replace(setting, clipping=None), runs), runs)
    found["matrix products alone"] = (products(setting, runs), runs)
    return found


def on_cuda(data: Data, images: Images, setting: Setting, runs: int = RUNS) -> Contestants:
    """Everyone who can do it on a GPU."""
    found: Contestants = {PLAIN: (plain_loop(data, setting, "cuda"), 1)}
    if setting.optimizer == "sgd" and setting.clipping != "value":
        found["torch.func"] = (torch_func(data, setting, runs, "cuda"), runs)
        found["stacked autograd"] = (stacked_autograd(data, setting, runs, "cuda"), runs)
    found["GradGrid, replayed"] = (replayed(images, setting, runs), runs)
    found["matrix products alone"] = (products(setting, runs, "cuda"), runs)
    return {name: (_to_the_end(steps), count) for name, (steps, count) in found.items()}


def _to_the_end(steps: Steps) -> Steps:
    def finished(number: int) -> None:
        steps(number)
        torch.cuda.synchronize()

    return finished


def bytes_moved(images: Images, setting: Setting) -> float:
    """Bytes of weights that a step must read or write: rows of pixels that are not zero, and the other layers."""
    pixels = images.training.images[: 200 * setting.minibatch]
    lit = [
        len(np.unique(pixels[i : i + setting.minibatch].indices))
        for i in range(0, pixels.shape[0], setting.minibatch)
    ]
    first = statistics.mean(lit) * setting.width
    others = (setting.depth - 1) * setting.width**2 + setting.width * 10
    return 4 * (3 * first + 3 * others)  # read forward; read and written by the update


def copy_speed(size: int = 2**18) -> float:
    """Bytes a second that this core reads or writes, copying what fits into its second cache."""
    source, target = np.ones(size, np.uint8), np.empty(size, np.uint8)
    times = []
    for _ in range(50):
        began = _now()
        for _ in range(40):
            np.copyto(target, source)
        times.append(_now() - began)
    return 2 * 40 * size / statistics.median(times)


def side_by_side(found: Contestants, rounds: int, seconds: float) -> dict[str, list[float]]:
    """Microseconds a run-step of each, round by round; all but the kernel take about ``seconds`` in a round."""
    counts = {name: _count(steps, seconds) for name, (steps, _) in found.items()}
    counts |= {name: KERNELS_STEPS for name in (KERNEL, BY_SGD) if name in found}
    times: dict[str, list[float]] = {name: [] for name in found}
    for _ in range(rounds):
        for name, (steps, runs) in found.items():
            began = _now()
            steps(counts[name])
            times[name].append((_now() - began) / counts[name] / runs * 1e6)
    return times


def _now() -> float:
    """Processor time; with a GPU, for which the processor waits, wall time."""
    return time.perf_counter() if torch.cuda.is_initialized() else time.process_time()


def _count(steps: Steps, seconds: float) -> int:
    """How many steps take about so long; it has warmed up meanwhile."""
    steps(2)
    began = _now()
    steps(5)
    return int(min(400, max(2, seconds * 5 / (_now() - began))))


def rows(times: dict[str, list[float]]) -> Iterator[dict]:
    """Median, quartiles and ratio to the plain loop of each contestant, and the kernel's time in units of sgd's."""
    for name, values in times.items():
        low, median, high = statistics.quantiles(values, n=4)
        yield {
            "contestant": name,
            "microseconds": round(median, 2),
            "quartiles": [round(low, 2), round(high, 2)],
            "times the plain loop": _ratio(times[PLAIN], values),
            "in units of sgd": _ratio(values, times[BY_SGD]) if name == KERNEL and BY_SGD in times else None,
        }


def _ratio(of: list[float], to: list[float]) -> float:
    """The median over the rounds."""
    return round(statistics.median(one / other for one, other in zip(of, to, strict=True)), 2)


BASE = Setting()
TABLES: dict[str, list[tuple[Setting, int]]] = {
    "depth": [(replace(BASE, depth=d, clipping=c), RUNS) for d in (1, 4, 8, 32) for c in (None, "norm")],
    "width": [(replace(BASE, depth=d, width=w), RUNS) for d in (1, 4) for w in (30, 100, 400)],
    "minibatch": [(replace(BASE, minibatch=b), RUNS) for b in (1, 10, 100)],
    "M": [(replace(BASE, depth=d), m) for d in (1, 4) for m in (1, 2, 4, 8, 16, 32, 64, 128, 256, 512)],
    "optimizer": [
        (replace(BASE, depth=d, optimizer=o, clipping=c), RUNS)
        for d in (1, 4)
        for o in ("sgd", "momentum", "nesterov", "adam")
        for c in (None, "norm", "value")
    ],
}  # fmt: skip
"""What varies in each table, and how many runs train together."""
ON_CUDA = {name: [(setting, 1024) for setting, _ in table] for name, table in TABLES.items()} | {
    "M": [(replace(BASE, depth=d), 4**e) for d in (1, 4) for e in range(7)]
}
"""The same for a GPU."""


def profile(images: Images, setting: Setting) -> dict[str, float]:
    """Microseconds of a run-step by part, as the kernel's clock sees them; reading it takes a part of each."""
    seconds = np.zeros(len(PARTS))
    steps = kernel(images, setting, RUNS, seconds)
    steps(200)
    seconds[:] = 0
    steps(400)
    return dict(zip(PARTS, (seconds / 400 / RUNS * 1e6).round(3).tolist(), strict=True))


def measuring(images: Images, rounds: int) -> dict[str, float]:
    """Microseconds a run and image of evaluation and of the probes, in both ways, at depths 1 and 4."""
    found = {}
    for depth in (1, 4):
        setting = replace(BASE, depth=depth)
        for name, make in (("PyTorch", pytorch_stack), ("kernel", compiled_stack)):
            members = make(images, setting, RUNS)
            split = images.splits["validation"]
            amount = sum(len(block.labels) for block in split) * RUNS
            found[f"evaluation, {name}, depth {depth}"] = _time(
                lambda m=members, s=split: evaluate(m, s), amount, rounds
            )
        amount = sum(len(block.labels) for block in images.probes.blocks) * RUNS
        found[f"probes, depth {depth}"] = _time(
            lambda m=members: measure(m, images.probes, 0.25), amount, rounds
        )
    return found


def _time(what: Callable[[], object], amount: int, rounds: int) -> float:
    times = []
    for _ in range(rounds + 1):
        began = _now()
        what()
        times.append((_now() - began) / amount * 1e6)
    return round(statistics.median(times[1:]), 3)


def main() -> None:
    """Print the tables, and write them as JSON where asked to."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.training", description=__doc__.splitlines()[0]
    )
    parser.add_argument(
        "--only", nargs="+", choices=[*TABLES, "profile", "measuring"], help="these tables alone"
    )
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu", help="what everyone trains on")
    parser.add_argument("--rounds", type=int, default=9, help="turns that each contestant takes")
    parser.add_argument(
        "--seconds",
        type=float,
        default=0.05,
        help="time that a contestant but the kernel takes in a turn, about",
    )
    parser.add_argument("--json", type=Path, help="write everything there as well")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    try:
        device = find_device(arguments.device)
    except GradgridError as error:
        parser.exit(1, f"{error}\n")
    on_gpu, data = device.type == "cuda", _data()
    images = Images.of(data, device)
    tables = ON_CUDA if on_gpu else TABLES
    wanted = arguments.only or [*TABLES, *([] if on_gpu else ["profile", "measuring"])]
    told: dict[str, object] = {"dataset": data.name, **device_facts(device)}
    for table in (name for name in tables if name in wanted):
        told[table] = list(_table(data, images, tables[table], arguments.rounds, arguments.seconds))
    with torch.inference_mode():
        if "profile" in wanted:
            told["profile"] = {
                f"depth {d}": profile(images, replace(BASE, depth=d, clipping="norm")) for d in (1, 4)
            }
            _print_profile(told["profile"])
        if "measuring" in wanted:
            told["measuring"] = measuring(images, arguments.rounds)
            print("µs a run and image: " + "; ".join(f"{k} {v}" for k, v in told["measuring"].items()))
    if arguments.json:
        arguments.json.write_text(json.dumps(told, indent=1), encoding="utf-8")


def _table(
    data: Data, images: Images, settings: Iterable[tuple[Setting, int]], rounds: int, seconds: float
) -> Iterator[dict]:
    on_gpu = images.training.targets.device.type == "cuda"
    everyone, speed, pace = (on_cuda, None, None) if on_gpu else (contestants, copy_speed(), measure_pace())
    for setting, runs in settings:
        planned = round(pace * step_microseconds(setting.cell, setting.minibatch), 2) if pace else None
        floor = round(bytes_moved(images, setting) / speed * 1e6, 2) if speed else None
        told = f"; weights alone, by copying speed: {floor:.1f} µs a run-step" if floor else ""
        told += f"; the plan says {planned:.1f}" if planned else ""
        print(f"{_words(setting)}, M = {runs}{told}", flush=True)
        found = list(rows(side_by_side(everyone(data, images, setting, runs), rounds, seconds)))
        for row in found:
            low, high = row["quartiles"]
            print(
                f"  {row['contestant']:22}{row['microseconds']:9.2f} ({low:.2f} to {high:.2f})"
                f"{row['times the plain loop']:9.1f} × the plain loop"
                + (f", {row['in units of sgd']:.2f} × sgd" if row["in units of sgd"] else ""),
                flush=True,
            )
        yield asdict(setting) | {"runs": runs, "copying floor": floor, "planned": planned, "found": found}


def _words(setting: Setting) -> str:
    return ", ".join(f"{name} {value}" for name, value in asdict(setting).items() if value is not None)


def _print_profile(found: dict[str, dict[str, float]]) -> None:
    for name, parts in found.items():
        total = sum(parts.values())
        print(
            f"{name}, clipping by norm, M = {RUNS}: {total:.2f} µs a run-step, the clock's own time included"
        )
        for part, value in parts.items():
            print(f"  {part:24}{value:6.2f} {value / total:6.0%}")


def _data() -> Data:
    with tempfile.TemporaryDirectory() as folder:
        npz = Path(folder) / "dataset.npz"
        prepare(Dataset(), npz, Path(folder) / "dataset.json", Path(folder) / "raw")
        return load(npz)


if __name__ == "__main__":
    main()
