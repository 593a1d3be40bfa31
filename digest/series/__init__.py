"""Series: mails that each subscriber gets in their own time, such as a welcome mail."""
