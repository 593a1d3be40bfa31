"""A send in which everything is killed that can be: nobody is lost, and every repeat was foreseen."""
