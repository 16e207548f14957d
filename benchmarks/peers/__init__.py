"""Peers: other libraries made to do the same job, each as its documentation says, over plain dicts."""
