"""django-oauth-toolkit as its documentation sets it up, through Django's WSGI handler without any middleware.

It keeps access tokens and codes as they are (no hash), checks no audience, and notices the reuse of a code not at all.
One process has one set of Django's settings, so each database is an alias, and a router says which one is in use.
"""
# pyright: basic
# mypy: disable-error-code="misc,no-untyped-call,no-untyped-def,import-untyped,no-any-return"

from collections.abc import Mapping
from datetime import timedelta
from secrets import token_urlsafe
from types import SimpleNamespace
from typing import Any, Final

from benchmarks import workload
from benchmarks.limit_rows import wrong_exchanges
from benchmarks.rows import Row
from benchmarks.wsgi import Answer, caller, read

PATH: Final = "/o/token/"
IN_USE: Final = SimpleNamespace(alias="default")


class Router:
    """Sends every query to the database that is measured."""

    def db_for_read(self, model: Any, **hints: Any) -> str:  # noqa: ANN401, ARG002 - Django's signature
        """Name it."""
        return IN_USE.alias

    db_for_write = db_for_read

    def allow_relation(self, *_: Any, **__: Any) -> bool:  # noqa: ANN401 - likewise
        """Allow all."""
        return True


def set_up(databases: Mapping[str, Mapping[str, Any]]) -> None:
    """Configure Django once, with a database by alias, and make their tables."""
    import django  # noqa: PLC0415 - only after its settings are there can most of it be imported
    from django.conf import settings  # noqa: PLC0415

    settings.configure(
        ALLOWED_HOSTS=["*"],
        DATABASES={"default": {}, **databases},
        DATABASE_ROUTERS=[Router()],
        DEBUG=False,
        INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "oauth2_provider"],
        LOGGING_CONFIG=None,
        MIDDLEWARE=[],
        OAUTH2_PROVIDER={
            "ACCESS_TOKEN_EXPIRE_SECONDS": workload.ACCESS_SECONDS,
            "PKCE_REQUIRED": True,
            "SCOPES": {workload.SCOPE: "Read", workload.OTHER_SCOPE: "Read"},
        },
        ROOT_URLCONF="benchmarks.peers.django_urls",
        SECRET_KEY=token_urlsafe(32),
        USE_TZ=True,
    )
    django.setup()
    from django.core.management import call_command  # noqa: PLC0415

    for alias in databases:
        IN_USE.alias = alias
        call_command("migrate", database=alias, verbosity=0)


def exchange(name: str, alias: str) -> Row[bytes]:
    """Return django-oauth-toolkit's code exchange over the database of an alias."""
    IN_USE.alias = alias
    from django.contrib.auth.models import User  # noqa: PLC0415 - as above
    from django.core.wsgi import get_wsgi_application  # noqa: PLC0415
    from django.utils.timezone import now  # noqa: PLC0415
    from oauth2_provider.models import Application, Grant  # noqa: PLC0415

    user = User.objects.create(username=workload.USER)
    client = Application.objects.create(
        client_id=workload.CLIENT_ID,
        client_secret="",
        client_type=Application.CLIENT_PUBLIC,
        authorization_grant_type=Application.GRANT_AUTHORIZATION_CODE,
        redirect_uris=workload.REDIRECT_URI,
        user=user,
    )

    def add(*, seconds: float = workload.CODE_SECONDS) -> str:
        IN_USE.alias = alias
        code = token_urlsafe(32)
        Grant.objects.create(
            user=user,
            code=code,
            application=client,
            expires=now() + timedelta(seconds=seconds),
            redirect_uri=workload.REDIRECT_URI,
            scope=workload.SCOPE,
            code_challenge=workload.CHALLENGE,
            code_challenge_method="S256",
        )
        return code

    post = caller(get_wsgi_application(), PATH)

    def call(body: bytes) -> Answer:
        IN_USE.alias = alias
        return post(body)

    return Row(
        name=name,
        prepare=lambda count: [workload.exchange_body(add()) for _ in range(count)],
        call=call,
        read=read,
        refused=wrong_exchanges(add),
    )
