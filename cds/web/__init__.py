"""The HTTP shell: it reads the clock, makes ids, and answers hook calls."""
