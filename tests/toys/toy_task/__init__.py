"""Which of several options is right: a task with a line format of its own."""
