from django.urls import path

from .views import BatchView, PushView

app_name = "push"
urlpatterns = [
    path("<str:code>/rows", PushView.as_view(), name="rows"),
    path("<str:code>/batches/<int:batch>", BatchView.as_view(), name="batch"),
]
