"""One module a change. A change that has been released is never edited; a new one follows it."""
