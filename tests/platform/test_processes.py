"""The pieces between the processes: broker, channel layer, health, metrics, logs."""

import json
import logging

import pytest
from channels.layers import get_channel_layer

from commandcenter import logs
from commandcenter.celery import app


def test_the_broker_is_reached_through_the_socket():
    with app.connection_for_write() as link:
        link.ensure_connection(max_retries=1)
        client = link.default_channel.client
        assert client.ping()


async def test_news_travels_through_the_channel_layer():
    layer = get_channel_layer()
    name = await layer.new_channel()
    await layer.group_add("platform.test", name)
    await layer.group_send("platform.test", {"type": "news", "n": 1})
    assert await layer.receive(name) == {"type": "news", "n": 1}
    await layer.group_discard("platform.test", name)


def test_health_says_yes(client, db):
    assert client.get("/healthz").json() == {"ok": True}


def test_metrics_do_not_exist_without_a_token(client, db, settings):
    settings.METRICS_TOKEN = ""
    assert client.get("/metrics").status_code == 404


def test_metrics_need_the_token(client, db, settings):
    settings.METRICS_TOKEN = "right"
    assert client.get("/metrics", headers={"Authorization": "Bearer wrong"}).status_code == 404
    answer = client.get("/metrics", headers={"Authorization": "Bearer right"})
    assert answer.status_code == 200
    assert b"django_http_requests" in answer.content


@pytest.mark.parametrize("path", ["/accounts/login/", "/admin/login/"])
def test_no_page_allows_inline_scripts(client, db, path):
    policy = client.get(path, follow=True).headers["Content-Security-Policy"]
    scripts = next(part for part in policy.split("; ") if part.startswith("script-src"))
    assert "'unsafe-inline'" not in scripts
    assert "http" not in policy


def test_only_the_administration_is_widened(client, db):
    assert "unsafe-eval" not in client.get("/accounts/login/").headers["Content-Security-Policy"]


@pytest.mark.parametrize("path", ["/accounts/signup/"])
def test_strangers_cannot_make_an_account(client, db, path):
    from django.contrib.auth import get_user_model

    body = {"username": "stranger", "password1": "a-long-word-9", "password2": "a-long-word-9"}
    client.post(path, body)
    assert not get_user_model().objects.filter(username="stranger").exists()


def test_logs_are_json_without_personal_data(capsys):
    config = logs.logging_config(level="INFO", json=True)["formatters"]["line"]
    formatter = config.pop("()")(**config)
    record = logging.LogRecord("hotline", logging.INFO, "", 1, "call from 13812345678", (), None)
    record.caller_phone = "13812345678"
    line = json.loads(formatter.format(record))
    assert line["event"] == "call from [hidden]"
    assert line["caller_phone"] == "[hidden]"
    assert "13812345678" not in json.dumps(line)


async def test_a_socket_from_another_site_is_refused():
    from channels.testing import WebsocketCommunicator

    from commandcenter.asgi import application

    headers = [(b"origin", b"http://evil.example"), (b"host", b"testserver")]
    accepted, code = await WebsocketCommunicator(application, "/ws/live/", headers=headers).connect()
    assert (accepted, code) == (False, 4403) or not accepted
