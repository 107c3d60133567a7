"""Who gets the next one: pools of owners, each with a share, from which entities of a type are given out by rules.

`shares`: whose turn it is, `choosing`: who can take it at all (both pure); `declare`: rules, and what a service says of
its types; `asking`: what rules ask; `rows`: pools, agents and rules, one at a time across all processes; `ledger`: who
got what and why, and who waits; `giving`: all of it in one transaction; `tally`: what there is to do; `assignment`: the
corridor. What is given out by itself is `giving_out`, beside this package. Not for who may see an entity, which is a
matter of rights.
"""

from __future__ import annotations

from shared.eav.query.picking import Urgency
from shared.service.assignment.assignment import Assignment
from shared.service.assignment.choosing import Agent
from shared.service.assignment.declare import Assigned, Rule, Sticky
from shared.service.assignment.giving import Giving
from shared.service.assignment.shares import Member
from shared.service.assignment.tally import Tally

__all__ = ["Agent", "Assigned", "Assignment", "Giving", "Member", "Rule", "Sticky", "Tally", "Urgency"]
