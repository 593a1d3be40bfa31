"""Jobs that cannot be imported, and say at which priority that was tried."""

import os

raise RuntimeError(f"niceness {os.nice(0)}")
