"""Says where it runs: which container, which limits, which kernel."""

import os
import signal
import socket

from hello_bellows import App

app = App()


def first_line(path):
    try:
        with open(path) as file:
            return file.readline().strip()
    except OSError:
        return None


@app.get('/')
def where():
    return {
        'hostname': socket.gethostname(),
        'pid': os.getpid(),
        'cpus': len(os.sched_getaffinity(0)),
        # cgroup v2: bytes, and microseconds of CPU time out of so many; "max" is no limit
        'memory.max': first_line('/sys/fs/cgroup/memory.max'),
        'cpu.max': first_line('/sys/fs/cgroup/cpu.max'),
        'kernel': os.uname().release,
        'boot_id': first_line('/proc/sys/kernel/random/boot_id'),
    }


# PID 1 is not ended by a signal that it does not ask for: docker stop would wait its ten seconds.
signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
app.run(8080)
