from django.http import HttpResponse
from django.urls import include, path

urlpatterns = [
    path("accounts/", include("allauth.urls")),
    path("", include("allauth.idp.urls")),
    path("", lambda request: HttpResponse(f"user: {request.user}", content_type="text/plain")),
]
