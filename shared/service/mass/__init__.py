"""Mass change: the same values for everything that fits a filter, as a job with progress and undo."""
