"""The library of a publication's pictures, and the answers that its picker asks for."""
