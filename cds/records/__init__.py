"""What was decided, written down: decisions and feedback as events that name no patient. See docs/records.md."""
