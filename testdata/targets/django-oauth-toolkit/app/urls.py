import os

from django.contrib.auth.views import LoginView, LogoutView
from django.http import HttpResponse
from django.urls import include, path
from oauth2_provider.urls import metadata_urlpatterns
from oauthlib.oauth2 import DeviceApplicationServer

urlpatterns = [
    path("accounts/login/", LoginView.as_view(), name="login"),
    path("accounts/logout/", LogoutView.as_view(), name="logout"),
    path("o/", include("oauth2_provider.urls", namespace="oauth2_provider")),
    path("", include((metadata_urlpatterns, "oauth2_provider"), namespace="oauth2_metadata")),
    path("", lambda request: HttpResponse(f"user: {request.user}", content_type="text/plain")),
]

if lifetime := os.environ["CODE_LIFETIME"]:
    DeviceApplicationServer.expires_in = int(lifetime)
