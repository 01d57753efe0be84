"""What a wrong config.yaml is told, its factors apart: each problem with its line, what is allowed, what was meant."""

import pytest
from configs import GOOD, factors, problems, training

RECIPE = "epochs, digits_epochs, minibatch, weight_decay, loss, bias, measure_steps"
SEED = "allowed: a whole number from 0 to 2,147,483,647"
WHOLE = "allowed: a whole number from 1 to"
EPOCHS = "a whole number from 1 to 100,000"

CASES = {
    "an unknown key of another section": (
        f"{GOOD}epochs: 5\n",
        "config.yaml:6 epochs: unknown key; allowed: dataset, device, seeds, factors, training, verdicts, book, "
        "laboratory, execution; did you mean training.epochs?",
    ),
    "a misspelt key": (
        training("minibatches: 10"),
        f"config.yaml:7 training.minibatches: unknown key; allowed: {RECIPE}; did you mean minibatch?",
    ),
    "a key that is a truth value": (
        training("on: 1"),
        "config.yaml:7 training: true is not a key (YAML reads on, off, yes and no as truth values); "
        f"allowed: {RECIPE}",
    ),
    "a key that is missing": (
        GOOD.replace("  depth: [1, 2]\n", ""),
        "config.yaml:2 factors.depth: missing: numbers of hidden layers; "
        "write for example depth: [1, 2, 4, 8]",
    ),
    "a section that is no mapping": (
        f"{GOOD}dataset: mnist\n",
        "config.yaml:6 dataset: 'mnist' is not a mapping; allowed: name, root, fallback",
    ),
    "an unknown dataset": (
        f"{GOOD}dataset: {{name: fashion-mnist}}\n",
        "config.yaml:6 dataset.name: 'fashion-mnist' is not a dataset; "
        "allowed: mnist, fashion_mnist, kmnist, digits; did you mean fashion_mnist?",
    ),
    "a root that is a number": (
        f"{GOOD}dataset: {{root: 7}}\n",
        "config.yaml:6 dataset.root: 7 is not the path of a folder; "
        "allowed: the path of a folder as text (in quotes), or null",
    ),
    "a device that cannot train": (
        f"{GOOD}device: mps\n",
        "config.yaml:6 device: 'mps' cannot train: no double precision, which weight decay needs; auto takes the CPU "
        "instead; allowed: auto, cpu, cuda",
    ),
    "an unknown device": (
        f"{GOOD}device: gpu\n",
        "config.yaml:6 device: 'gpu' is not a device; allowed: auto, cpu, cuda; did you mean cuda?",
    ),
    "no seeds": (
        GOOD.replace("seeds: 2", "seeds: 0"),
        f"config.yaml:1 seeds: 0 is out of range; {WHOLE} 10,000",
    ),
    "a seed twice": (
        GOOD.replace("seeds: 2", "seeds: [3, 3]"),
        "config.yaml:1 seeds: 3 is listed twice; a level may stand only once",
    ),
    "a negative seed": (
        GOOD.replace("seeds: 2", "seeds: [0, -1]"),
        f"config.yaml:1 seeds: -1 is out of range; {SEED}",
    ),
    "a minibatch larger than the training set": (
        training("minibatch: 50001") + "dataset: {fallback: null}\n",
        "config.yaml:7 training.minibatch: 50001 is larger than the training set of mnist (50,000 images); "
        "allowed: at most 50,000",
    ),
    "a minibatch larger than the fallback's training set": (
        training("minibatch: 2000"),
        "config.yaml:7 training.minibatch: 2000 is larger than the training set of the fallback digits "
        "(1,297 images); allowed: at most 1,297",
    ),
    "an image alone in a minibatch of batch normalization": (
        factors("normalization: [layer, batch]") + "training: {minibatch: 16}\n",
        "config.yaml:7 training.minibatch: 16 leaves an image of the fallback digits (1,297 training images) alone in "
        "a minibatch: batch normalization, which needs a variance, cannot train on it; "
        "allowed: a number that leaves no image alone",
    ),
    "minibatches of one image in batch normalization": (
        factors("normalization: batch") + "training: {minibatch: 1}\n",
        "config.yaml:7 training.minibatch: 1 leaves an image of mnist (50,000 training images) alone in "
        "a minibatch: batch normalization, which needs a variance, cannot train on it; "
        "allowed: a number that leaves no image alone",
    ),
    "a weight decay that turns weights over": (
        training("weight_decay: 20000.0"),
        "config.yaml:7 training.weight_decay: 20000 is too large: every step on the fallback digits would "
        "multiply the weights by 1 - 0.1 × 20000 / 1,297 = -0.542; "
        "allowed at learning_rate 0.1: less than 12970",
    ),
    "a step beyond the run": (
        training("measure_steps: [1, 25001]"),
        "config.yaml:7 training.measure_steps: 25,001 is beyond the run's last step (5 epochs of 5,000 steps "
        "on mnist); allowed: 0 to 25,000",
    ),
    "a word for the epochs between checkpoints": (
        f"{GOOD}execution: {{checkpoint_every: often}}\n",
        "config.yaml:6 execution.checkpoint_every: 'often' is not a whole number; "
        f"allowed: auto, null, {EPOCHS}",
    ),
    "off for null between checkpoints": (
        f"{GOOD}execution: {{checkpoint_every: off}}\n",
        "config.yaml:6 execution.checkpoint_every: false is a truth value (YAML reads yes, no, on and off as such), "
        f"not a whole number; allowed: auto, null, {EPOCHS}",
    ),
    "no epoch between checkpoints": (
        f"{GOOD}execution:\n  checkpoint_every: 0\n",
        f"config.yaml:7 execution.checkpoint_every: 0 is out of range; allowed: auto, null, {EPOCHS}",
    ),
    "an unknown key of the execution": (
        f"{GOOD}execution:\n  checkpoints: 1\n",
        "config.yaml:7 execution.checkpoints: unknown key; allowed: checkpoint_every, "
        "bundle_minutes; did you mean checkpoint_every?",
    ),
    "bundles that take no time": (
        f"{GOOD}execution: {{bundle_minutes: 0}}\n",
        "config.yaml:6 execution.bundle_minutes: 0 is out of range; allowed: a number above 0",
    ),
    "a word for the steps": (
        training("measure_steps: every"),
        "config.yaml:7 training.measure_steps: 'every' is not a list of steps; "
        "allowed: auto, a list of steps",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_message(case, tmp_path, monkeypatch):
    text, expected = CASES[case]
    assert problems(text, tmp_path, monkeypatch) == [expected]


def test_every_problem_is_told_at_once_in_the_order_of_the_lines(tmp_path, monkeypatch):
    text = """\
dataset: {name: mnist, fallback: null, cache: yes}
seeds: [1, 1]
factors:
  depth: [0, one]
  activation: [relu, {elu: {alpha: -1.0, beta: 2.0}}, relu]
  initializer: []
  depth: 3
training: {minibatch: 60000, epochs: 0}
"""
    assert problems(text, tmp_path, monkeypatch) == [
        "config.yaml:1 dataset.cache: unknown key; allowed: name, root, fallback",
        "config.yaml:2 seeds: 1 is listed twice; a level may stand only once",
        "config.yaml:5 factors.activation.elu.alpha: -1.0 is out of range; allowed: a number from 0 upwards",
        "config.yaml:5 factors.activation.elu.beta: unknown parameter of elu; allowed: alpha",
        "config.yaml:5 factors.activation: 'relu' is listed twice; a level may stand only once",
        "config.yaml:6 factors.initializer: the list is empty; allowed: at least one initializer",
        "config.yaml:7: 'depth' is given twice, first in line 4; keep one of them",
        f"config.yaml:8 training.epochs: 0 is out of range; {WHOLE} 100,000",
        "config.yaml:8 training.minibatch: 60000 is larger than the training set of mnist (50,000 images); "
        "allowed: at most 50,000",
    ]


def test_what_follows_from_a_broken_key_is_not_told(tmp_path, monkeypatch):
    text = f"{GOOD}training: {{epochs: many, measure_steps: [30000]}}\n"
    (only,) = problems(text, tmp_path, monkeypatch)
    assert only.startswith("config.yaml:6 training.epochs: 'many' is not a whole number")
