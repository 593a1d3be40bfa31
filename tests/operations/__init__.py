"""What an operator goes through: scripts to run at a terminal, or every night."""
