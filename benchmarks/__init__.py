"""Benchmarks: rulers, peers and scopegate, side by side in one run of one interpreter."""
