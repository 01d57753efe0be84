"""The compiled kernel: the plain loop's numbers, by every instruction set of this processor, and no neighbour's."""

import copy

import numpy as np
import pytest
import torch
import training

from gradgrid.core.config import Training
from gradgrid.core.entries import Entry
from gradgrid.core.errors import GradgridError
from gradgrid.core.fingerprints import TrainingSource
from gradgrid.core.kernel import ACTIVATIONS, KNOWN
from gradgrid.core.plan import Run
from gradgrid.core.registry import entries
from gradgrid.train import activations, compiled, native
from gradgrid.train.compiled import CompiledStack, why_not
from gradgrid.train.divergence import Divergence, locate
from gradgrid.train.images import Block
from gradgrid.train.native import find_kernel
from gradgrid.train.pixels import Pixels, TrainingImages
from gradgrid.train.probes import layer_norms
from gradgrid.train.stack import Stack
from gradgrid.train.trainer import train

IMAGES = training.images_of(training.dataset(images=57), torch.float32)
EXACT = training.images_of(training.dataset(images=57))
DECAY = 5.0 / 57
NORM, VALUE = Entry.of("norm", {"threshold": 0.5}), Entry.of("value", {"threshold": 1e-3})
CLIPPINGS = [None, NORM, VALUE]
HUGE = Entry.of("normal", {"std": 1e18})
BLACK = TrainingImages(np.zeros((100, 784), np.float32), torch.eye(10).repeat(10, 1))

pytestmark = pytest.mark.skipif(find_kernel() is None, reason="the compiled kernel was not built here")


@pytest.fixture(params=find_kernel().usable if find_kernel() else [])
def _instruction_set(request, monkeypatch):
    monkeypatch.setattr(find_kernel(), "set", request.param)


def compiled_stack(runs, loss="cross_entropy", decay=DECAY, size=10):
    """A stack that has taken no step."""
    sizes = sorted({size, 57 % size or size, *IMAGES.sizes()})
    stack = Stack(runs, [training.initial(run, IMAGES) for run in runs], loss, decay, sizes)
    return CompiledStack(stack, IMAGES.training, size, decay)


def parameters(stack):
    """Every run's weights and biases, layer by layer."""
    network = stack.network.reading() if isinstance(stack, CompiledStack) else stack.network
    return [
        [tensor for layer in network.parameters(run) for tensor in layer] for run in range(len(stack.runs))
    ]


def assert_trains_like_the_plain_loop(cells, loss="cross_entropy", decay=DECAY, size=10, tolerance=2e-5):
    """Compare every parameter after an epoch with double precision's, in units of the tensor's largest."""
    runs = [Run(cell, seed) for seed, cell in enumerate(cells)]
    stack = compiled_stack(runs, loss, decay, size)
    stack.train([training.order(57)])
    for run, found in zip(runs, parameters(stack), strict=True):
        expected = [
            t for layer in training.reference_parameters(run, EXACT, loss, decay, size) for t in layer
        ]
        for one, other in zip(found, expected, strict=True):
            largest = other.abs().max().item()
            np.testing.assert_allclose(
                one.double(), other, rtol=0, atol=tolerance * largest, err_msg=str(run.cell)
            )


@pytest.mark.usefixtures("_instruction_set")
@pytest.mark.parametrize(
    "activation",
    [
        *map(Entry, ACTIVATIONS),
        Entry.of("sigmoid", {"steepness": 3.0}),
        Entry.of("leaky_relu", {"negative_slope": 0.3}),
        Entry.of("elu", {"alpha": 0.4}),
    ],
    ids=lambda entry: entry.label,
)
def test_every_activation(activation):
    assert_trains_like_the_plain_loop([training.cell(activation=activation, clipping=c) for c in CLIPPINGS])


@pytest.mark.usefixtures("_instruction_set")
@pytest.mark.parametrize("loss", entries("losses"))
@pytest.mark.parametrize("size", [1, 7, 10, 57])
def test_every_loss_and_odd_minibatches(loss, size):
    cells = [training.cell(clipping=clipping, learning_rate=0.05) for clipping in CLIPPINGS]
    assert_trains_like_the_plain_loop(cells, loss, size=size)


@pytest.mark.usefixtures("_instruction_set")
@pytest.mark.parametrize("depth", [1, 2, 5])
@pytest.mark.parametrize("width", [1, 16, 17, 30, 100])
def test_depths_and_widths(depth, width):
    cells = [training.cell(depth=depth, width=width, clipping=clipping) for clipping in CLIPPINGS]
    assert_trains_like_the_plain_loop(cells)


@pytest.mark.usefixtures("_instruction_set")
@pytest.mark.parametrize("decay", [0.0, DECAY])
@pytest.mark.parametrize(
    "optimizer",
    [
        *map(Entry, entries("optimizers")),
        Entry.of("momentum", {"momentum": 0.5}),
        Entry.of("adam", {"beta1": 0.5, "beta2": 0.9, "epsilon": 1e-3}),
    ],
    ids=lambda entry: entry.label,
)
def test_every_optimizer(optimizer, decay):
    cells = [training.cell(optimizer=optimizer, clipping=c, learning_rate=0.01) for c in CLIPPINGS]
    # adam divides gradients by their own size: the rounding of the smallest counts as much as that of the largest
    assert_trains_like_the_plain_loop(
        cells, decay=decay, tolerance=2e-4 if optimizer.name == "adam" else 2e-5
    )


def subnormal(values):
    """Where values are so small that processors are slow with them."""
    return (values != 0) & (values.abs() < torch.finfo().tiny)


@pytest.mark.usefixtures("_instruction_set")
def test_weights_that_only_decay_never_become_subnormal():
    runs = [Run(training.cell(optimizer=Entry("adam"), learning_rate=0.01), 0)]
    initial = [training.initial(run, IMAGES) for run in runs]
    stack = CompiledStack(Stack(runs, initial, "cross_entropy", DECAY, (10,)), BLACK, 10, DECAY)
    stack.train([np.tile(np.arange(10), 3000)])
    assert not subnormal(parameters(stack)[0][0]).any()
    assert np.float32(1e-40) * np.float32(0.5) > 0  # here they are still what they were


@pytest.mark.usefixtures("_instruction_set")
def test_adam_leaves_weights_alone_whose_gradient_has_no_finite_square():
    run = Run(training.cell(optimizer=Entry("adam"), activation=Entry("identity")), 0)
    initial = training.initial(run, IMAGES)
    initial[-1][0].fill_(1e25)
    stack = Stack([run], [initial], "cross_entropy", DECAY, (10,))
    found = CompiledStack(stack, IMAGES.training, 10, DECAY)
    found.train([np.arange(50)])
    for minibatch in (step for some in IMAGES.training.minibatches(np.arange(50), 10) for step in some):
        stack.step(minibatch)
    for one, other in zip(parameters(found)[0], parameters(stack)[0], strict=True):
        torch.testing.assert_close(one, other, rtol=1e-5, atol=0)
    assert torch.equal(parameters(found)[0][1], initial[0][1])


@pytest.mark.usefixtures("_instruction_set")
def test_adam_diverges_by_a_gradient_that_is_infinite():
    run = Run(training.cell(optimizer=Entry("adam"), activation=Entry("identity")), 0)
    initial = training.initial(run, IMAGES)
    initial[0][0].mul_(1e19)
    initial[1][0].fill_(0.0)
    initial[2][0].fill_(1e25)
    stack = CompiledStack(Stack([run], [initial], "cross_entropy", DECAY, (1,)), IMAGES.training, 1, DECAY)
    stack.train([np.arange(1)])
    assert stack.diverged == {0: Divergence(1, 2)}


WIDE = 16


def activated(activation, z):
    """f(z) and f'(z) as the kernel works them out, of z [runs, 16].

    One hidden layer whose biases are z, no pixels, and an output layer that hands its input on: its pre-activations
    are f(z). The mean gradient of the biases, which momentum remembers, is (output - target) f'(z).
    """
    cell = training.cell(depth=1, width=WIDE, activation=activation, optimizer=Entry("momentum"))
    runs = [Run(cell, seed) for seed in range(len(z))]
    layers = [[(torch.zeros(WIDE, 784), biases), (torch.eye(WIDE), torch.zeros(WIDE))] for biases in z]
    targets = (z < 0).float()
    pictures = TrainingImages(np.zeros((len(z), 784), np.float32), targets)
    stack = CompiledStack(Stack(runs, layers, "cross_entropy", 0.0, (1,)), pictures, 1, 0.0)
    nothing = Pixels.of(pictures.images[:1], torch.device("cpu"))
    block = Block(nothing, torch.zeros(1, WIDE), torch.zeros(1))
    stack.loss = lambda outputs, _: outputs
    found = stack.reader()(block)[:, 0]
    stack.train([np.array([run]) for run in range(len(z))])
    begin = find_kernel().layout(stack.network.shape)[3]
    gradients = stack._memories[0][: len(z), begin : begin + WIDE].double()
    return found, gradients / (torch.sigmoid(found.double()) - targets)


@pytest.mark.usefixtures("_instruction_set")
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_functions_and_slopes_of_all_magnitudes(name):
    """Against double precision, in units of the value where it is above 1."""
    z = torch.cat([torch.linspace(-12, 12, 2000), *(s * torch.logspace(-8, 3, 200) for s in (1, -1))]).view(
        -1, WIDE
    )
    for found, expected in zip(
        activated(Entry(name), z), getattr(activations, name)(z.double()), strict=True
    ):
        assert ((found - expected).abs() / expected.abs().clamp(min=1.0)).max() < 1e-6


@pytest.mark.usefixtures("_instruction_set")
@pytest.mark.parametrize("name", ["gelu", "silu"])
def test_tails_never_become_subnormal(name):
    z = torch.linspace(-110, -5, 1600).view(-1, WIDE)
    for found in activated(Entry(name), z):
        assert not subnormal(found.float()).any()


def test_clipping_is_told_as_the_stack_tells_it():
    seldom = Entry.of("norm", {"threshold": 2.5}), Entry.of("value", {"threshold": 0.45})
    runs = [Run(training.cell(clipping=c, depth=3, width=30), 0) for c in (NORM, None, VALUE, *seldom)]
    stack = Stack(runs, [training.initial(run, EXACT) for run in runs], "cross_entropy", DECAY, (10, 7))
    order = training.order(57)
    told = [stack.step(minibatch) for some in EXACT.training.minibatches(order, 10) for minibatch in some]
    found = compiled_stack(runs).train([order])
    clips = [0, 2, 3, 4]
    norms = torch.cat([step.norms for step in told])[:, clips]
    torch.testing.assert_close(found.norms[:, clips].double(), norms, rtol=1e-4, atol=0)
    clipped = torch.cat([step.clipped for step in told])[:, clips]
    assert torch.equal(found.clipped[:, clips], clipped)
    assert clipped[:, :2].all()
    assert all(0 < share < 1 for share in clipped[:, 2:].double().mean(0)), clipped
    assert compiled_stack(runs[1:2]).train([order]) is None


@pytest.mark.usefixtures("_instruction_set")
@pytest.mark.parametrize(("depth", "vanished"), [(3, 1e-9), (30, 1e-25)])
def test_norms_of_layers_before_each_step(depth, vanished):
    """Also where their squares are beyond single precision."""
    runs = [Run(training.cell(clipping=clipping, depth=depth), 0) for clipping in CLIPPINGS]
    stack = Stack(runs, [training.initial(run, EXACT) for run in runs], "cross_entropy", DECAY, (10, 7))
    order, expected = training.order(57), []
    for minibatch in (step for some in EXACT.training.minibatches(order, 10) for step in some):
        trace = stack.forward(minibatch)
        deltas = stack.network.backward(trace)
        norms = layer_norms(stack.network, minibatch, trace, deltas)
        expected.append(torch.stack(norms, 1)[: len(runs)])
        stack.descend(minibatch, trace, deltas)
    expected = torch.stack(expected)
    found = torch.zeros(expected.shape)
    compiled_stack(runs).train([order], found)
    torch.testing.assert_close(found.double(), expected, rtol=1e-4, atol=vanished)
    assert depth < 30 or expected.min() < 1e-22


def tables_of(runs, kernel=True, **settings):
    """What is measured of runs that are trained together, each sorted by run."""
    recipe = Training(**({"digits_epochs": 2, "minibatch": 10} | settings))
    found = train(runs, IMAGES, recipe, lambda steps: None, compiled=kernel).tables()
    return {name: table.sort_values("run_id", kind="stable") for name, table in found.items()}


@pytest.mark.usefixtures("_instruction_set")
def test_a_run_does_not_depend_on_its_neighbours():
    cells = [
        training.cell(initializer=initializer, clipping=clipping, activation=Entry("relu"), depth=3, width=7)
        for initializer in (Entry("lecun_normal"), HUGE)
        for clipping in CLIPPINGS
    ]
    runs = [Run(cell, 0) for cell in cells]
    together = tables_of(runs)
    assert 0 < (together["runs"]["status"] == "diverged").sum() < len(runs)
    for part in ([runs[4], runs[0]], *([run] for run in runs)):
        for name, alone in tables_of(part).items():
            expected = together[name][together[name]["run_id"].isin({run.run_id for run in part})]
            drop = alone.columns.intersection(["run"])
            one, other = (t.drop(columns=drop).reset_index(drop=True) for t in (alone, expected))
            assert one.equals(other), name


@pytest.mark.usefixtures("_instruction_set")
@pytest.mark.parametrize("width", [6, 40])
@pytest.mark.parametrize("optimizer", entries("optimizers"))
def test_how_many_steps_are_asked_for_at_a_time_does_not_matter(optimizer, width):
    """Nor how long weights are left behind that no image needs: at most until the steps asked for have been taken."""
    runs = [
        Run(training.cell(clipping=clipping, optimizer=Entry(optimizer), width=width), 0)
        for clipping in CLIPPINGS
    ]
    stacks = whole, parts, singly = [compiled_stack(runs, size=2) for _ in range(3)]
    order = np.concatenate([training.order(57, seed)[:50] for seed in range(6)])
    whole.train([order])
    for begin, end in ((0, 2), (2, 70), (70, 300)):
        parts.train([order[begin:end]])
    for begin in range(0, 300, 2):
        singly.train([order[begin : begin + 2]])
    for found in zip(*map(parameters, stacks), strict=True):
        for one, *others in zip(*found, strict=True):
            assert all(torch.equal(one, other) for other in others)


def test_each_run_can_see_its_own_images():
    runs = [Run(training.cell(clipping=clipping), seed) for clipping in CLIPPINGS for seed in (0, 1)]
    orders = [training.order(57, run.seed) for run in runs]
    together = compiled_stack(runs)
    clipping = together.train(orders)
    for number, (run, found) in enumerate(zip(runs, parameters(together), strict=True)):
        alone = compiled_stack([run])
        clipped = alone.train([orders[number]])
        assert all(map(torch.equal, found, parameters(alone)[0]))
        if clipped:
            assert torch.equal(clipping.norms[:, number], clipped.norms[:, 0])


@pytest.mark.parametrize("clipping", CLIPPINGS)
@pytest.mark.parametrize("activation", ["relu", "identity", "sigmoid"])
def test_runs_diverge_where_the_stack_diverges(activation, clipping):
    """So much is out of range, before the output layer, that the order and the rounding of sums do not matter."""
    initializers = [HUGE, Entry.of("normal", {"std": 1e14}), Entry.of("constant", {"value": 1e30})]
    cells = [
        training.cell(
            activation=Entry(activation), initializer=i, clipping=clipping, depth=3, learning_rate=0.5
        )
        for i in initializers
    ]
    runs = [Run(cell, 0) for cell in cells]
    columns = ["status", "diverged_at_step", "diverged_layer"]
    found, expected = (tables_of(runs, kernel)["runs"][columns] for kernel in (True, False))
    assert found.equals(expected)


def divergence(resting, other, optimizer, kernel):
    """Where a run diverges by weight decay, of which a weight that no image needs and one of layer 2 are given."""
    decay, order = 1000.0, np.arange(100)
    run = Run(training.cell(optimizer=Entry(optimizer), learning_rate=0.1), 0)
    initial = training.initial(run, IMAGES)
    initial[0][0][3, 700], initial[1][0][2, 1] = resting, other
    stack = Stack([run], [initial], "cross_entropy", decay, (2,))
    if kernel:
        stack = CompiledStack(stack, BLACK, 2, decay)
        stack.train([order])
        return stack.diverged[0]
    before, steps = copy.deepcopy(stack), [step for some in BLACK.minibatches(order, 2) for step in some]
    return locate(before, steps, 0, [0])[0]


@pytest.mark.usefixtures("_instruction_set")
@pytest.mark.parametrize("optimizer", ["momentum", "nesterov"])
@pytest.mark.parametrize("other", [0.1, 1e20, 1e32, 3e38])
def test_weights_that_no_image_needs_diverge_where_they_do_in_the_stack(optimizer, other):
    """Before, with and after a weight of another layer."""
    for resting in (0.1, 1e20, 1e32, 3e38):
        found, expected = (divergence(resting, other, optimizer, kernel) for kernel in (True, False))
        assert found == expected, resting


def test_tables_are_those_of_the_stack():
    runs = [
        Run(training.cell(clipping=clipping, activation=Entry("gelu"), depth=3), 0) for clipping in CLIPPINGS
    ]
    found, expected = tables_of(runs), tables_of(runs, kernel=False)
    for name, table in expected.items():
        for column in table:
            one, other = found[name][column], table[column]
            if other.dtype.kind == "f":
                np.testing.assert_allclose(one, other, rtol=2e-3, atol=1e-6, err_msg=f"{name}.{column}")
            else:
                assert one.tolist() == other.tolist(), f"{name}.{column}"


def test_what_the_kernel_knows_is_what_the_registries_say_now():
    """After an edit of an entry, bring the kernel to it, then this digest to the edit."""
    source = TrainingSource()
    for activation in ACTIVATIONS:
        for optimizer, loss in zip(entries("optimizers"), (*entries("losses"), "quadratic"), strict=True):
            cell = training.cell(activation=Entry(activation), optimizer=Entry(optimizer))
            for name, digest in source.entries(cell, loss).items():
                if not name.startswith("initializers."):
                    assert KNOWN[name] == digest, name


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"activation": Entry("softplus")}, "does not know activations.softplus"),
        ({"normalization": Entry("layer")}, "no normalization"),
        ({"residual": True}, "no normalization and no residual"),
        ({"learning_rate": 2.0}, "weight decay as strong"),
    ],
)
def test_what_the_kernel_does_not_know_is_left_to_pytorch(changes, reason, caplog):
    caplog.set_level("INFO")
    runs = [Run(training.cell(**changes), 0)]
    found, expected = tables_of(runs), tables_of(runs, kernel=False)
    assert reason in caplog.text
    assert all(found[name].equals(expected[name]) for name in found)


def test_an_edited_entry_double_precision_and_a_missing_file_are_left_to_pytorch(monkeypatch):
    runs = [Run(training.cell(), 0)]
    like = IMAGES.training.targets
    assert why_not(runs, "cross_entropy", DECAY, like) is None
    assert "float64" in why_not(runs, "cross_entropy", DECAY, EXACT.training.targets)
    monkeypatch.setitem(KNOWN, "activations.sigmoid", "what it was before")
    assert "activations.sigmoid as it is written now" in why_not(runs, "cross_entropy", DECAY, like)
    monkeypatch.setattr(compiled, "find_kernel", lambda: None)
    assert "was not built" in why_not(runs, "cross_entropy", DECAY, like)


def test_a_kernel_of_other_source_is_refused(monkeypatch):
    monkeypatch.setattr(native, "kernel_digest", lambda: "edited")
    with pytest.raises(GradgridError, match="pip install -e"):
        find_kernel.__wrapped__()
