"""Pre-training, fine-tuning and prediction: options, devices, run folders and the training loop."""
