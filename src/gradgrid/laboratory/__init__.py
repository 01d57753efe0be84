"""The initialization laboratory: untrained deep networks, theory beside measurement, and recurrent networks."""
