"""Tables of imports, and every statement on them: commands, doors and jobs go through these modules alone."""
