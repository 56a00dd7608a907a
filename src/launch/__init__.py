"""Starting the workers of a distributed job: rank table, preflight, processes; knows no model."""
