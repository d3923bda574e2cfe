"""The report of a replay: its figures, each with its interval, as a page with pictures and as Markdown."""
