"""Series in the console: listed, edited step by step, switched on and off, and in numbers."""
