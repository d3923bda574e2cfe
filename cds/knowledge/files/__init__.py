"""One reader a kind of rule file."""
