"""Pages made from the rule book."""
