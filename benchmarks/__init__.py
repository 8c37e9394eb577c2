"""Every figure in the README and in docs/ comes from a command in this folder."""
