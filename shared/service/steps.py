"""What a service does itself with what was written, in the transaction of the write: a further step of its manifest.

A step sees every write of every type, whichever door it came by, and must cost those it does not concern nothing.
What it raises undoes the write. Not for what may happen later: that is a consumer of the event.
"""

from __future__ import annotations

from shared.eav.attempts import Publish as Step
from shared.eav.catalog import LiveType
from shared.eav.loading import in_force
from shared.eav.store.state import State, Written
from shared.service.publishing import in_turn, publish, tell

__all__ = ["LiveType", "State", "Step", "Written", "in_force", "in_turn", "publish", "tell"]
