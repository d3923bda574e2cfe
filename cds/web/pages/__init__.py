"""Pages for people: made on the server, in one stylesheet, with nothing loaded from another host."""
