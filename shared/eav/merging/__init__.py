"""Making one entity of several, and taking that back: rules, plan, tables and the two writes.

An absorbed entity is kept among the archived ones; its id, its unique values and its links lead to the survivor.
"""
