"""Clinical arithmetic, with the standard library only: amounts, regimens, the record, facts. The day is an argument."""
