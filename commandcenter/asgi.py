"""Pages and sockets behind one door."""

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "commandcenter.settings.dev")
pages = get_asgi_application()  # loads the apps, so it comes before anything that needs them

from channels.auth import AuthMiddlewareStack  # noqa: E402
from channels.routing import ProtocolTypeRouter, URLRouter  # noqa: E402
from channels.security.websocket import AllowedHostsOriginValidator  # noqa: E402
from django.urls import path  # noqa: E402

from dashboards.consumers import LiveConsumer  # noqa: E402
from datahub.push.door import PushDoor  # noqa: E402

sockets = URLRouter([path("ws/live/", LiveConsumer.as_asgi())])
application = ProtocolTypeRouter(
    {"http": PushDoor(pages), "websocket": AllowedHostsOriginValidator(AuthMiddlewareStack(sockets))}
)
