"""Pure calculation: what metrics are, what one entity contributes, periods of time."""
