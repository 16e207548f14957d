"""The public test kit: what a host or the author of a store needs to test with. Needs the extra `testing`."""
