"""Where the user of the service's image can write, as JSON lines.

``python -m targets.probes.image_user``; needs a container engine.

In a container of the image with a writable file system a file is tried in every folder, and everything that changes the
system is attempted.  Each line is one folder or attempt: ``{"subject", "case", "cases", "written"}``.

- ``appuser`` are folders outside its own; its own (/app) and those that are shared on purpose (sticky and open to all,
  such as /tmp) have lines of their own, ``appuser, own`` and ``appuser, shared``, and decide nothing.
- ``root`` in the same image is the twin, with one line for all: it must be able to write.
- What a vendor's platform does by default is not measured.
"""

from __future__ import annotations

import json

from targets.probes.image_building import build, need_engine, run, say, tidied

ATTEMPT = """
import json, os, socket, stat

def attempt(what):
    try:
        what()
    except (OSError, PermissionError):
        return 0
    return 1

def touch(folder):
    path = os.path.join(folder, ".service-harness")
    os.close(os.open(path, os.O_CREAT | os.O_WRONLY | os.O_EXCL))
    os.unlink(path)

def appended(path):
    os.close(os.open(path, os.O_WRONLY | os.O_APPEND))

found = {}
for folder, below, _ in os.walk("/"):
    below[:] = [name for name in below if os.path.join(folder, name) not in ("/proc", "/sys", "/dev")]
    mode = os.stat(folder).st_mode
    shared = bool(mode & stat.S_ISVTX and mode & stat.S_IWOTH)
    kind = "own" if folder == "/app" or folder.startswith("/app/") else "shared" if shared else "outside"
    found["write into " + folder] = kind, attempt(lambda: touch(folder))
for path in ("/etc/passwd", "/etc/shadow", "/bin/sh", "/proc/sys/kernel/hostname", "/proc/sysrq-trigger"):
    found["open " + path] = "outside", attempt(lambda: appended(path))
found["become root"] = "outside", attempt(lambda: os.setuid(0))
found["give a file away"] = "outside", attempt(lambda: os.chown("/app", 0, 0))
found["make a device"] = "outside", attempt(lambda: os.mknod("/tmp/.device", stat.S_IFBLK | 0o600, os.makedev(7, 0)))
found["change the root"] = "outside", attempt(lambda: os.chroot("/tmp"))
print(json.dumps(found))
"""


def main() -> None:
    """Print one line for each folder and attempt."""
    need_engine()
    with tidied():
        image = build("user", target="granian")
        for user in ("appuser", "root"):
            chosen = ("--user", "0") if user == "root" else ()
            done = run(image.tag, "-c", ATTEMPT, options=(*chosen, "--entrypoint", "python"))
            if done.returncode:
                raise RuntimeError(f"nothing could be attempted as {user}: {done.stderr.strip()[-400:]}")
            found = {case: (kind, int(written)) for case, (kind, written) in json.loads(done.stdout).items()}
            if user == "root":
                tried = [written for kind, written in found.values() if kind == "outside"]
                say(subject=user, case="all together", cases=len(tried), written=sum(tried), twin=True)
                continue
            for case, (kind, written) in found.items():
                subject = user if kind == "outside" else f"{user}, {kind}"
                say(subject=subject, case=case, cases=1, written=written)


if __name__ == "__main__":
    main()
