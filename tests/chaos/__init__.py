"""A send in which everything is killed that can be: nobody lost, and every repeat foreseen."""
