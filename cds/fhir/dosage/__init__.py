"""Directions read: structure, timing and text."""
