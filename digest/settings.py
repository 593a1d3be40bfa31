"""Django's settings, all of them read from the environment (see digest.core.env).

A process needs DIGEST_DATABASE_URL, DIGEST_REDIS_URL and DIGEST_SECRET_KEY. `digest up` provides
them; everywhere else they are set by whoever runs the service, and nothing has a default that
would work in production by accident.
"""

from pathlib import Path

import structlog
from django.urls import reverse_lazy

from digest.core import env, redaction

BASE_DIR = Path(__file__).resolve().parent.parent
# Of mails and public pages: inside the package where a wheel was installed.
_WHEELS_TEMPLATES = Path(__file__).resolve().parent / "templates"
TEMPLATES_ROOT = _WHEELS_TEMPLATES if _WHEELS_TEMPLATES.is_dir() else BASE_DIR / "templates"

DEBUG = env.flag("DIGEST_DEBUG")
SECRET_KEY = env.long_enough("DIGEST_SECRET_KEY", env.required("DIGEST_SECRET_KEY"))
SECRET_KEY_FALLBACKS = [
    env.long_enough("DIGEST_SECRET_KEY_FALLBACKS", key)
    for key in env.listed("DIGEST_SECRET_KEY_FALLBACKS")
]
# A pooler in transaction mode (PgBouncer) stands between us and PostgreSQL.
DIGEST_DATABASE_POOLED = env.flag("DIGEST_DATABASE_POOLED")
DATABASES = {"default": env.own_database()}

DIGEST_REDIS_URL = env.required("DIGEST_REDIS_URL")
# kombu spells a unix socket differently from redis-py.
DIGEST_BROKER_URL = DIGEST_REDIS_URL.replace("unix://", "redis+socket://", 1)
DIGEST_SMTP_URL = env.read("DIGEST_SMTP_URL")
DIGEST_BASE_URL = env.web_address("DIGEST_BASE_URL", "http://localhost:8000")
DIGEST_TEMPLATES_DIR = env.read("DIGEST_TEMPLATES_DIR")  # of publications' own mails
DIGEST_DATA_DIR = Path(env.read("DIGEST_DATA_DIR", "data")).resolve()
# Private addresses that may be fetched from, and that webhooks may post to.
DIGEST_FETCH_ALLOW = env.listed("DIGEST_FETCH_ALLOW")
DIGEST_WEBHOOK_ALLOW = env.listed("DIGEST_WEBHOOK_ALLOW")
# Where pictures are stored: a folder below the data folder, or a bucket of a store that speaks S3.
# DIGEST_PICTURES_URL: where mails find them, if not at this installation (a CDN, the bucket).
DIGEST_PICTURES_URL = env.read("DIGEST_PICTURES_URL").rstrip("/")
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},  # nothing uses it
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
    "pictures": env.pictures_storage(DIGEST_DATA_DIR / "pictures"),
}
# Set by `digest up`: the local mailbox and the sample publication are served too.
DIGEST_EMBEDDED = env.flag("DIGEST_EMBEDDED")

# Mail to this domain reaches `digest inbound`; without one no link offers to leave by mail.
DIGEST_INBOUND_DOMAIN = env.domain("DIGEST_INBOUND_DOMAIN")
# Mail that comes back goes to an address of its own for each mail, at this domain (VERP); without
# one, to the sender's address.
DIGEST_BOUNCE_DOMAIN = env.domain("DIGEST_BOUNCE_DOMAIN")
# Asked before an issue goes out what it makes of the mail; empty: nobody is.
DIGEST_RSPAMD_URL = env.read("DIGEST_RSPAMD_URL")
# Proxies whose X-Forwarded-For is believed: addresses or networks.
DIGEST_TRUSTED_PROXIES = env.networks("DIGEST_TRUSTED_PROXIES")
# Who may read /metrics: whoever sends this bearer token, or comes from these addresses.
DIGEST_METRICS_TOKEN = env.read("DIGEST_METRICS_TOKEN")
DIGEST_METRICS_ALLOW = env.networks("DIGEST_METRICS_ALLOW")
# Who hears that something is wrong: addresses of mail, and https addresses that are posted to.
DIGEST_ALERTS = env.listed("DIGEST_ALERTS")
# Where errors are reported (Sentry's protocol), and where traces of requests and jobs go (OTLP over
# HTTP), with which share of them. Off by default; both leave out addresses and tokens.
DIGEST_SENTRY_DSN = env.place("DIGEST_SENTRY_DSN", "sentry_sdk", "sentry")
DIGEST_TRACES_URL = env.place("DIGEST_TRACES_URL", "opentelemetry.sdk.trace", "traces")
DIGEST_TRACES_SHARE = env.share("DIGEST_TRACES_SHARE", "0.1")
# Keys that our mail is signed with, each `domain:selector:/path/to/private-key.pem`.
DIGEST_DKIM_KEYS = env.listed("DIGEST_DKIM_KEYS")
# What stands between bots and the form beside limits: "altcha", or "turnstile:SITEKEY:SECRET".
DIGEST_CAPTCHA = env.read("DIGEST_CAPTCHA")
# How many requests to subscribe are accepted: from one client (an IPv6 client is a /64), from one
# network (/24, /48), to one mailbox, to one domain, and in all.
DIGEST_SIGNUP_LIMITS = {
    "client": "20/hour",
    "network": "100/hour",
    "mailbox": "5/hour",
    "domain": "1000/hour",
    "all": "10000/hour",
} | env.pairs("DIGEST_SIGNUP_LIMITS")

# How much one token may call the API.
DIGEST_API_LIMIT = env.read("DIGEST_API_LIMIT", "600/minute")
DIGEST_TEST_LIMIT = env.read("DIGEST_TEST_LIMIT", "20/hour")  # test mails of one user
DIGEST_INVITE_LIMIT = env.read(
    "DIGEST_INVITE_LIMIT", "60/hour"
)  # subscribers that one user invites

# A nudge that can't be delivered at once is dropped; the sweeps make up for it.
DIGEST_BROKER_OPTIONS = {
    "broker_transport_options": {"socket_connect_timeout": 2, "socket_timeout": 10},
    "broker_connection_timeout": 2,
    "task_ignore_result": True,
    "task_serializer": "json",
    "accept_content": ["json"],
}

# A claimed delivery is its worker's for so long without a sign of life. Longer than a pause of the
# machine, shorter than subscribers would notice.
DIGEST_LEASE_SECONDS = env.number("DIGEST_LEASE_SECONDS", "60", 1, 3_600)
DIGEST_TICK_SECONDS = env.number("DIGEST_TICK_SECONDS", "10", 0.1, 300)  # beat says "look"
DIGEST_SEND_SECONDS = env.number("DIGEST_SEND_SECONDS", "8", 0.1, 3_600)  # of one sending task
DIGEST_SEND_PARALLEL = int(env.number("DIGEST_SEND_PARALLEL", "4", 1, 1_000))  # nudged at once

# Who got what, in days after an issue's end: until they are archived (past deliveries), and
# until it is deleted (0: never). An issue's numbers are kept in any case.
DIGEST_ARCHIVE_AFTER_DAYS = env.days("DIGEST_ARCHIVE_AFTER_DAYS", "30")
DIGEST_KEEP_DAYS = env.days("DIGEST_KEEP_DAYS", "730")
# Single clicks and opens are kept for so long; 0: for ever. Their totals stay.
DIGEST_HITS_DAYS = env.days("DIGEST_HITS_DAYS", "90")

ALLOWED_HOSTS = env.hosts("DIGEST_ALLOWED_HOSTS", DIGEST_BASE_URL)
CSRF_TRUSTED_ORIGINS = [DIGEST_BASE_URL]
if DIGEST_BASE_URL.startswith("https://"):
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = True
    SECURE_HSTS_SECONDS = 365 * 24 * 3600  # other names of the domain are not ours to bind

INSTALLED_APPS = [
    "unfold",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.humanize",
    "django.contrib.messages",
    "django.contrib.sessions",
    "django.contrib.sitemaps",
    "django.contrib.staticfiles",
    "ninja",  # for the files of its documentation page alone
    "digest.accounts",
    "digest.installation",
    "digest.pictures",
    "digest.articles",
    "digest.newsletters",
    "digest.subscribers",
    "digest.issues",
    "digest.transfers",
    "digest.entitlements",
    "digest.relays",
    "digest.notices",
    "digest.sending",
    "digest.analytics",
    "digest.series",
    "digest.reputation",
    "digest.bounces",
    "digest.webhooks",
    "digest.connectors",
    "digest.backups",
    "digest.bulk",
    "digest.notifications",
    "digest.recovery",
    "digest.monitoring",
    "digest.inbound",
    "digest.api",
    "digest.web",
    "digest.console",
    "digest.cli",
    "digest.embedded",
    # After the console, whose templates go before theirs.
    "allauth",
    "allauth.account",
    "allauth.mfa",
]
MIDDLEWARE = [
    "digest.web.timing.ResponseTimes",
    "django.middleware.security.SecurityMiddleware",
    "digest.web.middleware.ResponseHeaders",
    "digest.web.middleware.HealthChecks",
    "digest.web.middleware.TrackedLinks",
    "digest.web.body_limits.BodyLimit",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "digest.console.middleware.ConsolePolicy",
    "digest.web.middleware.Language",
    "digest.console.middleware.ConsoleLanguage",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "digest.console.middleware.FirstRun",
    "django.contrib.messages.middleware.MessageMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "digest.api.audit_trail.AuditMiddleware",
]
ROOT_URLCONF = "digest.urls"
WSGI_APPLICATION = "digest.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.jinja2.Jinja2",
        "DIRS": [TEMPLATES_ROOT / "web"],
        "OPTIONS": {"environment": "digest.web.environment.environment"},
    },
    {  # the console's
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "digest" / "console" / "templates"],  # before unfold's own
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "digest.console.pages.account_frame",
            ],
            "builtins": [
                "digest.console.templatetags.console",
                "digest.console.templatetags.editors",
                "django.contrib.humanize.templatetags.humanize",
            ],
        },
    },
]
UNFOLD = {
    "SITE_TITLE": "Digest",
    "SITE_HEADER": "Digest",
    "SITE_SYMBOL": "mail",
    "SHOW_HISTORY": False,
    "COLORS": {
        "primary": {
            "50": "#eef5fb",
            "100": "#d9e8f5",
            "200": "#b9d4ec",
            "300": "#8ab8e6",
            "400": "#5a96d1",
            "500": "#3476b8",
            "600": "#1d5c9c",
            "700": "#1d4e89",
            "800": "#1b416f",
            "900": "#1a375c",
            "950": "#11233c",
        }
    },
    "STYLES": ["digest.console.navigation.style"],
    "SIDEBAR": {
        "navigation": "digest.console.navigation.navigation",
        "show_search": True,
        "command_search": True,
    },
    "ACCOUNT": {"navigation": [{"title": "Your account", "link": reverse_lazy("mfa_index")}]},
}
AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
_JUDGES = "django.contrib.auth.password_validation."
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"{_JUDGES}MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": f"{_JUDGES}UserAttributeSimilarityValidator"},
    {"NAME": f"{_JUDGES}CommonPasswordValidator"},
    {"NAME": f"{_JUDGES}NumericPasswordValidator"},
]
# Changing the password ends every session but the one that it is changed in (Django's own rule).
SESSION_COOKIE_AGE = 14 * 24 * 3600
SESSION_COOKIE_HTTPONLY = True
LOGIN_URL, LOGIN_REDIRECT_URL = "account_login", "/admin/"
CACHES = {
    "default": {
        "BACKEND": "digest.core.caching.ForgivingCache",
        "LOCATION": DIGEST_REDIS_URL,
        "KEY_PREFIX": "digest-cache",
        "OPTIONS": {"socket_timeout": 2, "socket_connect_timeout": 2},
    }
}
ACCOUNT_ADAPTER = "digest.console.team.adapters.AccountAdapter"
ACCOUNT_FORMS = {"reset_password": "digest.console.team.forms.ForgottenPasswordForm"}
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_EMAIL_VERIFICATION = "none"  # an invitation was proof of it
ACCOUNT_EMAIL_UNKNOWN_ACCOUNTS = False
ACCOUNT_EMAIL_NOTIFICATIONS = True
ACCOUNT_LOGOUT_REDIRECT_URL = "account_login"
ACCOUNT_SESSION_REMEMBER = True
ACCOUNT_REAUTHENTICATION_TIMEOUT = 900
# Failed sign-ins: from one address, and with one account from wherever.
ACCOUNT_RATE_LIMITS = {"login_failed": "20/m/ip,5/5m/key", "reset_password": "5/m/ip,3/h/key"}
MFA_ADAPTER = "digest.console.team.adapters.MFAAdapter"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_ALLOW_UNVERIFIED_EMAIL = True
MFA_TOTP_ISSUER = "Digest"
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = not DIGEST_BASE_URL.startswith("https://")
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

STATIC_URL = "/static/"
STATICFILES_DIRS: list[Path] = []
WHITENOISE_USE_FINDERS = True
SECURE_REFERRER_POLICY = "no-referrer"
X_FRAME_OPTIONS = "DENY"
APPEND_SLASH = False

LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_TZ = True
USE_I18N = True
LOCALE_PATHS = [BASE_DIR / "digest" / "locale"]

redaction.install()
structlog.configure(
    processors=[
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
    ],
    logger_factory=structlog.stdlib.LoggerFactory(),
    wrapper_class=structlog.stdlib.BoundLogger,
    cache_logger_on_first_use=True,
)
_AS_JSON = structlog.processors.JSONRenderer(ensure_ascii=False)
_AS_LINE = structlog.processors.LogfmtRenderer(key_order=["timestamp", "level", "event", "logger"])
_JSON = env.choice("DIGEST_LOG_FORMAT", ["text", "json"]) == "json"
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {
            "()": redaction.AnonymousFormatter if _JSON else redaction.RedactingFormatter,
            "processor": _AS_JSON if _JSON else _AS_LINE,
            "foreign_pre_chain": [
                structlog.contextvars.merge_contextvars,
                structlog.stdlib.add_log_level,
                structlog.stdlib.add_logger_name,
                structlog.processors.TimeStamper(fmt="iso", utc=True),
                structlog.processors.format_exc_info,
            ],
        }
    },
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": "WARNING"},
    "loggers": {
        # Django's own handlers would mail whole requests, tokens and cookies too, to ADMINS.
        "django": {"level": "INFO", "handlers": []},
        "digest": {"level": "INFO"},
        "workers": {"level": "INFO"},
        "httpx": {"level": "WARNING"},
        "CSSUTILS": {"level": "CRITICAL"},
        "trafilatura": {"level": "CRITICAL"},
        "waitress.queue": {"level": "ERROR"},  # that requests wait a moment for a thread
    },
}
