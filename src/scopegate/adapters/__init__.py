"""Mount and protect, one module per framework. None of them holds a rule."""
