"""One module for each kind of thing that programs work with: its shapes, its operations."""
