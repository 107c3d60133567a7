"""Who gets the next one: pools of owners, each with a share, from which entities of a type are given out in turn.

`shares`: whose turn it is (pure); `rows`: pools and what was given, one at a time across all processes; `assignment`:
the corridor. Not for who may see an entity, which is a matter of rights.
"""

from __future__ import annotations

from shared.service.assignment.assignment import Assignment
from shared.service.assignment.shares import Member

__all__ = ["Assignment", "Member"]
