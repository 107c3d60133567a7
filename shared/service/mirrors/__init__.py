"""Mirrors: what another service's entities look like here, and the links between those and ours."""
