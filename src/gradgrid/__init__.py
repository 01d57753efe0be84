"""GradGrid: see, measure and cure vanishing and exploding gradients."""
