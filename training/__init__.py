"""Options, schedules, loops, metrics and reports: where models and data meet."""
