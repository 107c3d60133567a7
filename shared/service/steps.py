"""What a service does itself with what was written, in the transaction of the write: further steps of its manifest.

A step sees every write of every type, whichever door it came by, and must cost those it does not concern nothing.
What it raises undoes the write. What only changes rows with every such write rides along in the statement that tells of
it, and costs no statement. Not for what may happen later: that is a consumer of the event.
"""

from __future__ import annotations

from shared.bus.outbox import Rider
from shared.eav.attempts import Publish as Step
from shared.eav.catalog import LiveType
from shared.eav.loading import in_force
from shared.eav.store.state import State, Written
from shared.service.publishing import Steps, tell

__all__ = ["LiveType", "Rider", "State", "Step", "Steps", "Written", "in_force", "tell"]
