# Copyright (c) 2026, seamless.deploy contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The background worker: takes print jobs from the queue until it is told to stop (application's interpreter)."""

import signal
import threading

from django.core.management.base import BaseCommand
from django.db import DatabaseError, InterfaceError, connection, transaction
from django.utils import timezone

from orders.models import PrintJob
from shop.release import RELEASE


def print_next():
    """Print the oldest waiting job; say whether there was one."""
    with transaction.atomic():
        waiting = PrintJob.objects.select_for_update(skip_locked=True).filter(printed_at=None)
        job = waiting.order_by("pk").first()
        if job is None:
            return False
        job.printed_at = timezone.now()
        job.printed_by_release = RELEASE
        job.save(update_fields=["printed_at", "printed_by_release"])
        return True


class Command(BaseCommand):
    """Work until TERM or INT; the job at hand is finished first."""

    help = "Process the print queue until TERM."

    def handle(self, *args, **options):
        """Run the loop."""
        stop = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_ignored: stop.set())
        self.stdout.write(f"release {RELEASE}: the worker is ready")
        printed = 0
        while not stop.is_set():
            try:
                worked = print_next()
            except (DatabaseError, InterfaceError) as error:
                self.stderr.write(f"the database does not answer, trying again: {error}")
                connection.close()
                worked = False
                stop.wait(1)
            printed += worked
            if not worked:
                stop.wait(0.2)
        self.stdout.write(f"release {RELEASE}: the worker stops after {printed} jobs")
