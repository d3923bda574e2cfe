"""What is written back as FHIR: requests, dosages, actions, care plan."""
