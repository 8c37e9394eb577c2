"""Commands that measure accuracy, speed and reliability; every number in the docs is from one."""
