"""One run's training: the loop over epochs, the optimizer, callbacks, interruption, resume."""
