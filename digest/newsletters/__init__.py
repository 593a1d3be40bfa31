"""What an editor sets up: publications, newsletters, sections, schedules, appeals."""
