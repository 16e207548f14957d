"""A small host with an API and an MCP server, and a third-party client: two programs that share nothing but HTTP."""
