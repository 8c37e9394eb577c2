"""Labels of a text or of a pair of texts: any number of them, or exactly one."""
