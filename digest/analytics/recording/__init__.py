"""Recording: hits on tracked links and pixels, from a request to a row that waits to be judged.

    targets   what a token stands for: a link or an issue, remembered by the process
    buffer    hits wait in memory; a thread writes them twice a second
    writing   a batch becomes rows: privacy settings apply, addresses become networks and hashes
    agents    the class of a user agent
    visitors  what tells clients apart

A request needs neither PostgreSQL nor Valkey once the process has seen its link. A web process that
is killed loses what it has not written yet, half a second's hits (docs/decisions/0038).
"""

from digest.analytics.recording.buffer import Recorder
from digest.analytics.recording.hits import Client, NewHit
from digest.analytics.recording.writing import write

__all__ = ["RECORDER", "Client", "NewHit"]

RECORDER = Recorder(write)  # of this process
