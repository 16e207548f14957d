"""HTTP as values: what comes in, what goes out, and the pages; it knows no framework."""
