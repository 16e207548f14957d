"""The two servers in parts, each in two colours: read, decide, commit. No rule lives here."""
