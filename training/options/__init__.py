"""The options of the commands: groups that several of them share, and a class for each command."""
