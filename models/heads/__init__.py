"""From a backbone's outputs to the outputs of a task."""
