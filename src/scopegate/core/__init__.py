"""The nouns and the rules: frozen values and pure functions, with no I/O, no clock and no randomness."""
