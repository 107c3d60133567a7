"""Generated tests here are judged by results alone: machines are noisy, so no example has a deadline."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("eav", deadline=None)
settings.load_profile("eav")
