"""A real WordPress on the loopback.

    with WordPressSite(folder) as site: site.url, site.run("wp_insert_post(…);")

It needs Debian's packages wordpress, wordpress-theme-twentytwentythree, php-cli, php-mysql and
mariadb-server. Its files are a copy, its database is a process and a folder of its own: nothing of
the machine's own is touched.
"""

import json
import os
import shutil
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any, Self

from digest.connectors import bundles
from tests.ports import reserve_port

WORDPRESS = Path("/usr/share/wordpress")
DATABASE = Path("/usr/sbin/mariadbd")
THEMES = WORDPRESS / "wp-content" / "themes"
USER, PASSWORD = "ada", "correct horse battery staple"
SECONDS = 90  # that anything may take on a busy machine
PROCESSES = "4"  # of the web server: a page asks for others
_CONFIG = """<?php
define( 'DB_NAME', 'wordpress' );
define( 'DB_USER', 'root' );
define( 'DB_PASSWORD', '' );
define( 'DB_HOST', 'localhost:{socket}' );
define( 'DB_CHARSET', 'utf8mb4' );
define( 'DB_COLLATE', '' );
define( 'WP_HOME', '{url}' );
define( 'WP_SITEURL', '{url}' );
define( 'WP_HTTP_BLOCK_EXTERNAL', true );
define( 'WP_ACCESSIBLE_HOSTS', '127.0.0.1,localhost' );
define( 'DISABLE_WP_CRON', true );
define( 'AUTOMATIC_UPDATER_DISABLED', true );
define( 'WP_DEBUG', true );
define( 'WP_DEBUG_DISPLAY', false );
define( 'WP_DEBUG_LOG', '{log}' );
$table_prefix = 'wp_';
if ( ! defined( 'ABSPATH' ) ) {{
	define( 'ABSPATH', __DIR__ . '/' );
}}
require_once ABSPATH . 'wp-settings.php';
"""
_INSTALL = f"""
require ABSPATH . 'wp-admin/includes/upgrade.php';
wp_install( 'The Saltmarsh Courier', '{USER}', 'ada@courier.example', true, '', '{PASSWORD}' );
update_option( 'show_avatars', 0 );  // they would come from another site
require_once ABSPATH . 'wp-admin/includes/plugin.php';
$result = activate_plugin( '{bundles.PLUGIN}/{bundles.PLUGIN}.php' );
echo json_encode( is_wp_error( $result ) ? $result->get_error_message() : true );
"""


def missing() -> str:
    """Say what this machine lacks; empty if it has all."""
    paths = (WORDPRESS, THEMES / "twentytwentythree", DATABASE, Path("/usr/bin/php"))
    lacking = [path for path in paths if not path.exists()]
    return f"no {lacking[0]}" if lacking else ""


class WordPressSite:
    """A site with the plugin, installed and activated, until the `with` block ends."""

    def __init__(self, folder: Path) -> None:
        self.root, self.log = folder / "site", folder / "debug.log"
        self._data = folder / "data"
        self._short = tempfile.TemporaryDirectory(prefix="wp-")  # a socket's path is short
        self.socket = Path(self._short.name) / "sql"
        self.url = f"http://127.0.0.1:{reserve_port()}"
        self._processes: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> Self:
        try:
            self._copy_files()
            self._start_database()
            assert self.run(_INSTALL, installing=True) is True
            self._start_web()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """End both processes."""
        for process in reversed(self._processes):
            process.terminate()
            try:
                process.wait(timeout=30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(timeout=30)
        self._processes.clear()
        self._short.cleanup()

    def run(self, code: str, *, installing: bool = False) -> Any:
        """Run PHP with WordPress loaded, as its administrator; return the JSON that it prints."""
        host = self.url.removeprefix("http://")
        begin = f"$_SERVER['HTTP_HOST'] = '{host}'; $_SERVER['REQUEST_URI'] = '/';"
        begin += "define( 'WP_INSTALLING', true );" if installing else ""
        load = f"require '{self.root}/wp-load.php';"
        user = "" if installing else "wp_set_current_user( 1 );"
        result = subprocess.run(
            ["php", "-d", "display_errors=stderr", "-r", begin + load + user + code],
            capture_output=True,
            text=True,
            check=False,
            timeout=SECONDS,
        )
        assert result.returncode == 0, result.stderr + result.stdout
        last = result.stdout.strip().splitlines()[-1:]
        return json.loads(last[0]) if last else None

    def complaints(self) -> list[str]:
        """What PHP complained about in the plugin's own files."""
        lines = self.log.read_text().splitlines() if self.log.exists() else []
        return [line for line in lines if f"/{bundles.PLUGIN}/" in line]

    def _copy_files(self) -> None:
        shutil.copytree(
            WORDPRESS,
            self.root,
            ignore=shutil.ignore_patterns("wp-config.php", "wp-content"),
        )
        content = self.root / "wp-content"
        for name in ("plugins", "uploads"):
            (content / name).mkdir(parents=True)
        shutil.copytree(THEMES, content / "themes")
        archive = self.root.parent / "plugin.zip"
        archive.write_bytes(bundles.wordpress_plugin())
        shutil.unpack_archive(archive, content / "plugins")
        config = _CONFIG.format(socket=self.socket, url=self.url, log=self.log)
        (self.root / "wp-config.php").write_text(config)
        (self.root / "favicon.ico").touch()  # browsers ask for it

    def _start_database(self) -> None:
        owner = ["--user=root"] if os.geteuid() == 0 else []
        common = ["--no-defaults", f"--datadir={self._data}", *owner]
        install = ["mariadb-install-db", *common, "--auth-root-authentication-method=normal"]
        subprocess.run(
            [*install, "--skip-test-db"], check=True, capture_output=True, timeout=SECONDS
        )
        fast = ["--skip-networking", "--innodb-flush-log-at-trx-commit=0", "--skip-log-bin"]
        self._start([str(DATABASE), *common, f"--socket={self.socket}", *fast])
        query = ["mariadb", "--no-defaults", f"--socket={self.socket}", "-u", "root", "-e"]
        create = [*query, "CREATE DATABASE wordpress CHARACTER SET utf8mb4"]
        end = time.monotonic() + SECONDS
        while subprocess.run(create, capture_output=True, check=False, timeout=SECONDS).returncode:
            assert time.monotonic() < end, "MariaDB does not answer"
            time.sleep(0.2)

    def _start_web(self) -> None:
        address = self.url.removeprefix("http://")
        self._start(["php", "-S", address, "-t", str(self.root)])
        end = time.monotonic() + SECONDS
        while time.monotonic() < end:
            try:
                with urllib.request.urlopen(f"{self.url}/wp-login.php", timeout=SECONDS):
                    return
            except urllib.error.URLError:
                time.sleep(0.2)
        raise AssertionError("the web server does not answer")

    def _start(self, command: list[str]) -> None:
        log = (self.root.parent / f"{Path(command[0]).name}.log").open("wb")
        self._processes.append(
            subprocess.Popen(
                command,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=os.environ | {"PHP_CLI_SERVER_WORKERS": PROCESSES},
            )
        )
