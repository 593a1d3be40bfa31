"""After older data were restored: what may have been sent meanwhile, and sending again."""
