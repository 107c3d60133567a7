"""Calculation of the service desk: business time, promises and their clocks. Standard library only.

Instants are whole milliseconds since 1970 UTC, spans whole milliseconds: no rounding, and the same result wherever a
calculation is taken up again. `calendars` says when business is, `timelines` measures it, `policies` says what was
promised, `clocks` follows a ticket's history, `thresholds` says when something has to be done about it.
"""
