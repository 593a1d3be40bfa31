"""What comes back: bounces and complaints, what they mean, and what follows."""
