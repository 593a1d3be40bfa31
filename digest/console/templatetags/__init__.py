"""Template tags of the console; settings load them into every template."""
