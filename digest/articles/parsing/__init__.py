"""One module for each form an article comes in; bytes in, plain entries out, network off."""
