"""Slow work of the workspace service: files are read, profiled and cut, and their chunks ordered."""

from __future__ import annotations

from collections.abc import Mapping

from services.workspace.commands.steering import CUT_KIND, READ_KIND
from services.workspace.jobs.cutting import CuttingKind
from services.workspace.jobs.reading import ReadingKind
from shared.service.work.running import Kind

KINDS: Mapping[str, Kind] = {READ_KIND: ReadingKind(), CUT_KIND: CuttingKind()}
