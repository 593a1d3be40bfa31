"""Mail of strangers, before the standard library's parser takes it.

bounding    types that it parses in linear time, and how deep it may go
"""
