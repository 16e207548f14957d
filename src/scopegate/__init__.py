"""Let any web app hand out OAuth 2.1 tokens that never reach further than the person who approved them."""
