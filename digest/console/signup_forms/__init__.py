"""Sign-up forms: listed, designed with a live preview, embedded."""
