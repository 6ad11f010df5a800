"""Creates the tables, the end users and the clients."""

import os

import django
from django.core.management import call_command

django.setup()
call_command("migrate", verbosity=0)

from django.contrib.auth.models import User  # noqa: E402
from oauth2_provider.models import Application  # noqa: E402

for name in ("alice", "bob", "carol"):
    User.objects.create_user(name, f"{name}@example.test", os.environ["USER_PASSWORD"])


def client(client_id, name, grant, secret=""):
    Application.objects.create(
        client_id=client_id,
        name=name,
        client_type=Application.CLIENT_CONFIDENTIAL if secret else Application.CLIENT_PUBLIC,
        client_secret=secret,
        authorization_grant_type=grant,
        redirect_uris="https://app.example.test/callback",
        algorithm=Application.RS256_ALGORITHM,
    )


device = Application.GRANT_DEVICE_CODE
client("device-public", "Living Room TV", device)
client("device-second", "Kitchen Radio", device)
client("device-confidential", "Set-top Box", device, os.environ["CLIENT_SECRET"])
client("res:erved 100%", "Smart Frame", device, os.environ["RESERVED_SECRET"])
client("no-device", "Web Shop", Application.GRANT_AUTHORIZATION_CODE)
