"""The verdicts: their words, their thresholds in config.yaml, and their rules in words."""

from typing import Annotated

from pydantic import Field

from gradgrid.core.fields import Real
from gradgrid.core.registry import RANGES
from gradgrid.core.section import Section

VERDICTS = ("diverged", "never learned", "vanishing", "exploding", "dead units", "saturated", "healthy")
"""All verdicts, from the worst to the best: a run has the first of which the rule holds."""

Share = Annotated[float, Real(RANGES["Fraction"])]


class Verdicts(Section):
    """From which numbers on a run has a verdict. A change retrains nothing."""

    never_learned_accuracy: Share = Field(
        0.2, description="a final validation accuracy below it: never learned; guessing a digit gives 0.1"
    )
    decades: Annotated[float, Real(RANGES["Positive"])] = Field(
        1.0,
        description="powers of ten between the speeds of learning of the first and the last hidden layer at "
        "initialization, from which the gradient vanishes or explodes",
    )
    dead_share: Share = Field(
        0.5, description="dead units: a larger share of some hidden layer's neurons is dead at the end"
    )
    # So high because a rectifier is flat on one side and a trained tanh works near its ends: in runs on MNIST that
    # end above 90 % the fullest layer has a share of 0.3 (sigmoid) to 0.75 (relu, tanh), and of 0.93 in one relu run
    # in a hundred.
    saturated_share: Share = Field(
        0.95,
        description="saturated: a larger share of some hidden layer's activations is saturated at the end",
    )


def rules(limits: Verdicts) -> dict[str, str]:
    """The rule of every verdict in words, with these thresholds."""
    times = f"at least {10**limits.decades:,.3g} times"
    return {
        "diverged": "a parameter became non-finite",
        "never learned": f"final validation accuracy below {percent(limits.never_learned_accuracy)}",
        "vanishing": f"at initialization the first hidden layer learns {times} more slowly than the last (from the "
        "gradient slope), or some hidden layer not at all",
        "exploding": f"at initialization the first hidden layer learns {times} faster than the last",
        "dead units": f"at the last measurement more than {percent(limits.dead_share)} of some hidden layer's "
        "neurons are dead",
        "saturated": f"at the last measurement more than {percent(limits.saturated_share)} of some hidden layer's "
        "activations are saturated",
        "healthy": "none of these",
    }


def percent(share: float) -> str:
    """A share as a threshold is written: ``20 %``, ``2.5 %``."""
    return f"{100 * share:.4g} %"
