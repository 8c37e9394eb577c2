"""Every figure in the README and in docs/ comes from a command in this folder."""

from training.command_line import quiet_libraries

quiet_libraries()
