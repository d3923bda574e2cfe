"""The terminal shell: the command cds."""
