"""A port for a program that must be told its number and opens it itself.

Where a program can take port 0 or an open socket, that is better.
"""

import socket
import sys

_reservations: list[socket.socket] = []  # for as long as this process lives


def reserve_port() -> int:
    """Return a port of the loopback that only those who know its number can listen on.

    A socket that is bound, but does not listen, keeps it: the kernel gives the port to nobody who
    asks for any, and a server that reuses addresses, as all of ours do, may open it. That is
    Linux's way; elsewhere the port is merely free just now.
    """
    reservation = socket.socket()
    reservation.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    reservation.bind(("127.0.0.1", 0))
    port = int(reservation.getsockname()[1])
    if sys.platform == "linux":
        _reservations.append(reservation)
    else:
        reservation.close()
    return port
