"""A whole population: the decision function replayed over a FHIR Bulk Data export, and what it would have said, in figures."""
