"""Rules weighed against facts: durable-rules decides, the reference evaluator explains."""
