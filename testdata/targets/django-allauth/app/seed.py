"""Creates the tables, the end users and the clients."""

import os

import django
from django.core.management import call_command

django.setup()
call_command("migrate", verbosity=0)
call_command("createcachetable")

from allauth.idp.oidc.models import Client  # noqa: E402
from django.contrib.auth.models import User  # noqa: E402

for name in ("alice", "bob", "carol"):
    User.objects.create_user(name, f"{name}@example.test", os.environ["USER_PASSWORD"])


def client(client_id, name, grants, secret=""):
    new = Client(id=client_id, name=name, default_scopes="openid")
    new.type = Client.Type.CONFIDENTIAL if secret else Client.Type.PUBLIC
    new.set_grant_types(grants)
    new.set_scopes(["openid", "profile", "email"])
    if secret:
        new.set_secret(secret)
    new.save()


device = [Client.GrantType.DEVICE_CODE, Client.GrantType.REFRESH_TOKEN]
client("device-public", "Living Room TV", device)
client("device-second", "Kitchen Radio", device)
client("device-confidential", "Set-top Box", device, os.environ["CLIENT_SECRET"])
client("res:erved 100%", "Smart Frame", device, os.environ["RESERVED_SECRET"])
client("no-device", "Web Shop", [Client.GrantType.AUTHORIZATION_CODE])
