"""One folder per task, from the record to the metric: where data and models meet."""
