"""`cds rules`: a module a command."""
