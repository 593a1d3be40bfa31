"""What an operator lives through, each as a script to run by hand or at night."""
