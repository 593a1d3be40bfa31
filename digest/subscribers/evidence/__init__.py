"""What is stored of how somebody signed up: from where, and what they entered."""
