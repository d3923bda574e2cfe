"""Invented exports to replay, drawn from distributions that stand, each with its source, in `distributions.yaml`."""
