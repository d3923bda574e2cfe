"""JSON schemas for editors."""
