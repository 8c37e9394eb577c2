"""The devices and processes of a run, and how batches are fed to them."""
