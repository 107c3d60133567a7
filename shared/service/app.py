"""From a manifest to a Flask app, and to a database that is ready for it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from flask import Flask, Request
from werkzeug.routing import MapAdapter

from shared.bus.schema import prepare
from shared.eav.engine import Engine
from shared.eav.install import declare_types
from shared.eav.install import ensure_partitions as ensure_history_partitions
from shared.eav.slots import provision
from shared.kernel.config import Settings
from shared.kernel.context import Context
from shared.kernel.db import Database
from shared.kernel.migrate import migrate as run_migrations
from shared.service.catalog_news import tell_declared
from shared.service.counting import declare_counts
from shared.service.doors import operations_of
from shared.service.manifest import Manifest
from shared.service.matching.keeping import Keeping
from shared.service.mirrors.declare import declare_mirrors
from shared.service.pipelines import Pipelines
from shared.service.revisions import migration_folders
from shared.service.runtime import Runtime, database_url
from shared.service.schema import SPARE_POOL
from shared.service.token_commands import announce_tokens
from shared.service.tokens import ensure_bootstrap
from shared.service.web.dialect.dated import rewrite
from shared.service.web.operation import register

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment


class Application(Flask):
    """Flask, for functions of which none is a coroutine, and for paths that may carry a date."""

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Dates leave the path before it is looked up."""
        environ["PATH_INFO"] = rewrite(environ["PATH_INFO"])
        return super().__call__(environ, start_response)

    def create_url_adapter(self, request: Request | None) -> MapAdapter | None:
        """Routing by path and method alone: no route knows hosts, and Flask would look into theirs for each request."""
        if request is None:
            return super().create_url_adapter(None)
        return MapAdapter(self.url_map, "localhost", "/", "", "http", request.path, request.method)

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """As it is: Flask would look into every hook and handler of every request."""
        return func


def build_app(manifest: Manifest, settings: Settings) -> Flask:
    """The service's WSGI app; its runtime is at `app.extensions["crm"]`."""
    app = Application(manifest.name, static_folder=None)
    app.extensions["crm"] = runtime = Runtime(manifest, settings)
    register(app, runtime, operations_of(manifest))
    return app


def migrate(manifest: Manifest, settings: Settings) -> None:
    """Bring the service's database to this code: schema, partitions, declared types, spare slots, first tokens.

    Idempotent and safe from several processes at once.
    """
    database = Database(database_url(manifest, settings), pool_size=2)
    run_migrations(database.url, migration_folders(manifest.migrations))
    prepare(database)
    ensure_history_partitions(database)
    declare_types(database, manifest.types)
    declare_mirrors(database, manifest.name, manifest.mirrors)
    declare_counts(database, manifest.counts)
    tell_declared(database, manifest.types, manifest.metrics)
    Pipelines(Engine(database), manifest.pipelines, lambda: ensure_history_partitions(database)).declare()
    provision(database, SPARE_POOL if manifest.custom_types else None)
    Keeping(manifest.matching, database).register()
    _bootstrap_tokens(database, manifest, settings)
    database.dispose()


def _bootstrap_tokens(database: Database, manifest: Manifest, settings: Settings) -> None:
    """The tokens everything starts with. A replica learns the admin's from workspace, but the services' own at once."""
    service_token = settings.service_token.get_secret_value() if settings.service_token else None
    admin_token = settings.admin_token if manifest.owns_tokens else None
    with database.transaction() as connection:
        if ensure_bootstrap(connection, admin_token, service_token) and manifest.owns_tokens:
            announce_tokens(connection, Context(source="SYSTEM"))
