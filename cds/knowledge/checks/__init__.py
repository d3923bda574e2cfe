"""What is checked over all rule files together."""
