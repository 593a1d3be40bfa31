"""What an editor sets up: publications, newsletters, layouts, schedules, appeals."""
