"""FHIR in: the patient record that was understood, and a gap for everything that was not."""
