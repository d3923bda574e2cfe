"""Who may call: the clients that are trusted, their keys, and the tokens by which they prove who they are."""
