"""CDS Hooks messages, services, prefetch and cards."""
