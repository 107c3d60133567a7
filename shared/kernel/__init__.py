"""The ground floor: errors, settings, who asks, time, database access. Imports nothing of the house."""
