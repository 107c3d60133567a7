"""What `crm import` is made of: options as typed, the mapping made of them, the job that is watched, its tables."""
