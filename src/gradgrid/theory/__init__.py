"""Mean-field theory: what wide random networks do to signals and gradients, layer by layer."""
