"""`cds population`: what the rules would have said of a whole population."""
