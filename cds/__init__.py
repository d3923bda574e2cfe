"""Taper CDS: a hook call in, cards that recommend a slower taper or a crossover out. See docs/finding-things.md."""
