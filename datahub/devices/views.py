from django.http import HttpRequest, HttpResponse


def devices(request: HttpRequest) -> HttpResponse:
    return HttpResponse("")
