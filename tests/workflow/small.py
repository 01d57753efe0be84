"""The settings of the small grid that most tests of the workflow run."""

SETTINGS = """\
device: cpu
seeds: 2
factors:
  depth: [1, 2]
  activation: {leaky_relu: {negative_slope: 0.1}}
  initializer: [lecun_normal, normal]
  clipping: [null, {norm: 1.0}]
  learning_rate: [0.1, 1000.0]
training: {digits_epochs: 2, weight_decay: 1.0}
execution: {bundle_minutes: 0.01}
book: null
laboratory: null
"""
"""32 runs in 4 bundles, one a seed; with the larger learning rate some runs diverge. config.yaml asks for MNIST."""

WITH_ALL = SETTINGS.replace(
    "book: null\nlaboratory: null",
    """\
book:
  accuracy: {depth: [1, 2], seeds: 2, epochs: 1}
  initialization: {width: [5], seeds: 2, epochs: 1}
  initial_speed: {depth: [2, 3], steepness: [1, 4], seeds: 2}
  training_speed: {depth: [2], activation: [sigmoid, tanh], seeds: 2, steps: 3}
  identities: {chains: 20, seeds: 1}
laboratory:
  linear: {scale: [0.9, 1.1], depth: 4, width: 20, seeds: 2}
  propagation: {width: [40, 30], depth: 8, activation: [tanh, relu], initializer: [normal, lecun_normal], seeds: 2}
  phase: {sigma_w2: [1, 3], depth: [3, 5], width: 8, steps: 3, seeds: 2}
  remedies: {depth: [2], width: 6, steps: 3, learning_rate: 0.1, adam_learning_rate: 0.01, seeds: 2}
  recurrent: {hidden: 6, spectral_radius: [0.9, 1.5], steps: 10, pixel_steps: 10, seeds: 2}
""",
)
"""The same with a small chapter of the book and a small laboratory."""
