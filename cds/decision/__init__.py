"""One hook call, start to finish, without I/O."""
