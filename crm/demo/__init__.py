"""Invented customers to try the system with: `Company` makes them, `files` and `fill` put them somewhere."""

from crm.demo.company import SCORE, SIZES, Company, Size
from crm.demo.story import Step, Story

__all__ = ["SCORE", "SIZES", "Company", "Size", "Step", "Story"]
