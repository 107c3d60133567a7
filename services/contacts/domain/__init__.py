"""Pure calculation about people and companies: addresses, domains, countries, lifecycle. Standard library only."""
