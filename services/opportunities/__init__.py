"""Opportunities: what might be sold, to whom it is offered, and how far that has come."""
