"""Under /data/; the names belong to datahub."""

from django.urls import path

from . import views

urlpatterns = [
    path("push/", views.keys, name="push_keys"),
    path("push/issue/", views.issue, name="issue_push_key"),
    path("push/<int:pk>/stop/", views.stop, name="stop_push_key"),
    path("mqtt/", views.subscriptions, name="subscriptions"),
    path("mqtt/new/", views.new, name="new_subscription"),
    path("mqtt/<int:pk>/", views.subscription, name="subscription"),
    path("mqtt/<int:pk>/change/", views.change, name="change_subscription"),
    path("mqtt/<int:pk>/try/", views.try_it, name="try_subscription"),
    path("mqtt/<int:pk>/pause/", views.pause, name="pause_subscription"),
    path("mqtt/<int:pk>/remove/", views.remove, name="remove_subscription"),
]
