#!/usr/bin/env python3
"""Runs a command and takes away, at some moment, what it reads from or writes to.

usage: die.py WAY MOMENT KEYS COMMAND…      prints {"code": …, "signal": …, "shown": …}

WAY     terminal  a terminal that is closed: its processes get HUP, as when a window is closed
        silent    the same without HUP: a terminal that is not theirs
        stdout    whoever reads standard output goes; stderr: the same; both: the same
        full      standard error is a full disk from the beginning; out-full: standard output is
        none      nothing happens
MOMENT  a text that is shown, or a path with a `/` that appears; empty: at once
KEYS    is typed once the moment has come, and what then happens is waited for half a second
"""
import fcntl, json, os, select, subprocess, sys, termios, time

way, moment, keys, command = sys.argv[1], sys.argv[2], sys.argv[3], sys.argv[4:]
shown = b""
tty = way in ("terminal", "silent", "none")
if tty:
    ours, theirs = os.openpty()

    def begin():
        if way != "silent":
            os.setsid()
            fcntl.ioctl(0, termios.TIOCSCTTY, 0)

    child = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, preexec_fn=begin)
    os.close(theirs)
    reading = [ours]
else:
    out, out_theirs = os.pipe()
    err, err_theirs = os.pipe()
    full = open("/dev/full", "w")
    child = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=full if way == "out-full" else out_theirs,
        stderr=full if way == "full" else err_theirs,
    )
    os.close(out_theirs)
    os.close(err_theirs)
    reading = [out, err]


def read(seconds):
    global shown
    ready, _, _ = select.select(reading, [], [], seconds)
    for fd in ready:
        try:
            data = os.read(fd, 65536)
        except OSError:
            data = b""
        if not data:
            reading.remove(fd)
        shown += data
    if not reading:
        time.sleep(seconds)


def come():
    return os.path.lexists(moment) if "/" in moment else moment.encode() in shown


until = time.time() + 40
while not come() and child.poll() is None and time.time() < until:
    read(0.02)
if keys:
    os.write(ours, keys.encode().decode("unicode_escape").encode())
    end = time.time() + 0.5
    while time.time() < end:
        read(0.02)
came = come()
for fd, gone in ((0, ("stdout", "both")), (1, ("stderr", "both"))):
    if way in gone:
        os.close(reading[0] if fd == 0 or way == "both" else reading[1])
        reading.pop(0 if fd == 0 or way == "both" else 1)
if way in ("terminal", "silent"):
    os.close(ours)
    reading.clear()
until = time.time() + 60
while child.poll() is None and time.time() < until:
    read(0.02)
late = child.poll() is None
if late:
    child.kill()
code = child.wait()
while reading:
    read(0.2)
    if not select.select(reading, [], [], 0)[0]:
        break
print(json.dumps({"code": code, "came": came, "late": late, "shown": shown.decode(errors="replace")}))
