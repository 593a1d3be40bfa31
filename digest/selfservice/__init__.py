"""What subscribers do themselves: sign-up, address change, data export, erasure."""
