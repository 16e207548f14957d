"""Where Django's application answers."""
# pyright: basic
# mypy: disable-error-code="import-untyped"

from django.urls import include, path

urlpatterns = [path("o/", include("oauth2_provider.urls", namespace="oauth2_provider"))]
