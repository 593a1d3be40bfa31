"""What processes report of themselves, in Valkey: figures that add up, and that they run.

    metrics    which counters and histograms there are
    buffer     counts and observations of this process wait in memory
    reporting  a thread adds them to the installation's, and says that the process runs
    processes  which processes run: name, host, version, memory

Where an operator has set an address, two things leave the installation, without addresses of mail
and without tokens:

    error_reports  what is logged as an error, to a service that speaks Sentry's protocol
    traces         requests, jobs and their statements, to a collector of OpenTelemetry

The figures are the installation's, whichever process they come from, so any web process can show
them (`/metrics`). A process that is killed loses a few seconds' worth; when Valkey is flushed they
begin at zero, as Prometheus expects of counters.
"""

from digest.core.telemetry.buffer import BUFFER, count, observe

__all__ = ["BUFFER", "count", "observe"]
