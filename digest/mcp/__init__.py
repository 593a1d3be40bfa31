"""An MCP server over the API: newsletters, issues, articles and statistics for assistants."""
