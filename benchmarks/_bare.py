"""Django for benchmarks that connect to nothing: set up when this module is imported."""

from benchmarks._django import set_up_alone

set_up_alone()
