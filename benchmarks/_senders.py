"""Other senders, beside which Digest is measured; they compose nothing.

Each hands messages of `size` octets to a port of this machine, and returns the seconds that all of
them take.
"""

import smtplib
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor

from benchmarks._relays import SOURCE


def time_smtp_source(messages: int, connections: int, port: int, size: int) -> float:
    """Let Postfix's smtp-source send them."""
    arguments = ["-d", "-m", str(messages), "-s", str(connections), "-l", str(size)]
    start = time.perf_counter()
    subprocess.run([SOURCE, *arguments, f"127.0.0.1:{port}"], check=True, capture_output=True)
    return time.perf_counter() - start


def time_smtplib(messages: int, threads: int, port: int, size: int) -> float:
    """Send with Python's smtplib, a connection in each thread; a part of them stands for all."""
    message = _filler(size)
    part = max(500, messages // (10 if threads == 1 else 4))

    def work(count: int) -> None:
        with smtplib.SMTP("127.0.0.1", port) as smtp:
            for number in range(count):
                smtp.sendmail("news@courier.example", f"subscriber{number}@reader.example", message)

    start = time.perf_counter()
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(work, [part // threads] * threads))
    return (time.perf_counter() - start) * messages / (part // threads * threads)


def time_django(messages: int, port: int, size: int) -> float:
    """Send with Django's backend; a part of them stands for all."""
    from django.core.mail import EmailMultiAlternatives
    from django.core.mail.backends.smtp import EmailBackend

    part = max(200, messages // 20)
    text = _filler(size // 5).decode().partition("\r\n\r\n")[2]
    html = _filler(size * 4 // 5).decode().partition("\r\n\r\n")[2]
    mails = []
    for number in range(part):
        mail = EmailMultiAlternatives(
            "Tide", text, "news@courier.example", [f"subscriber{number}@reader.example"]
        )
        mail.attach_alternative(html, "text/html")
        mails.append(mail)
    start = time.perf_counter()
    EmailBackend(host="127.0.0.1", port=port).send_messages(mails)
    return (time.perf_counter() - start) * messages / part


def _filler(size: int) -> bytes:
    line = b"x" * 70 + b"\r\n"
    return b"Subject: Tide\r\n\r\n" + line * (size // len(line))
