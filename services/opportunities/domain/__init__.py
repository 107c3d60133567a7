"""Calculation of deals and what is sold with them, without anything else."""
