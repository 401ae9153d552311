"""A desk under load whose processes die at once, again and again.

Run as a program: python -m tests.scenarios.desk_that_dies KILLS SEED. Each round forks a child that takes,
dispatches and answers requests as fast as it can. Half of the children are killed from outside at a random
moment; the other half kill themselves exactly between a commit and its bell.
"""

import os
import random
import signal
import sys
import time

import django


def work(seed: int, bell_to_die_at: int) -> None:
    """Until killed. bell_to_die_at: which bell is never rung; 0: none."""
    from city.models import User
    from commandcenter.journal import live
    from dispatch import services as orders
    from hotline import services as tickets

    choose = random.Random(seed)
    bells = 0

    def die_before_the_bell() -> None:
        nonlocal bells
        bells += 1
        if bells == bell_to_die_at:
            os.kill(os.getpid(), signal.SIGKILL)
        ring()

    ring, live.ring = live.ring, die_before_the_bell
    operator = User.objects.get(grants__role="operator")
    officers = list(User.objects.filter(grants__role="officer").select_related("organisation"))
    while True:
        officer = choose.choice(officers)
        ticket = tickets.take_ticket(
            by=operator, title="路灯不亮", content="人民路路灯不亮", area_code=officer.organisation.area_code
        )
        if choose.random() < 0.5:
            tickets.answer_ticket(ticket_id=ticket.pk, reply="已答复", by=operator)
            continue
        ticket = tickets.dispatch_ticket(ticket_id=ticket.pk, org_id=officer.organisation_id, by=operator)
        orders.sign_order(order_id=ticket.order_id, by=officer)


def main(kills: int, seed: int) -> None:
    django.setup()
    from django.db import connections

    choose = random.Random(seed)
    for n in range(kills):
        connections.close_all()
        child = os.fork()
        if child == 0:
            try:
                work(seed + n, bell_to_die_at=choose.randint(1, 9) if n % 2 else 0)
            finally:
                os._exit(1)
        if n % 2 == 0:
            time.sleep(choose.uniform(0.05, 0.6))
            os.kill(child, signal.SIGKILL)
        _pid, status = os.waitpid(child, 0)
        if not os.WIFSIGNALED(status):
            raise SystemExit(f"round {n}: the child ended by itself with {status}")
    sys.stdout.write(f"{kills} kills\n")


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
