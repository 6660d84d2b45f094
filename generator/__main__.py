"""Run `python -m generator COMMAND`."""

import signal

# A canceled job and a closed terminal end what was started, as Ctrl-C does.
for ending in (signal.SIGTERM, signal.SIGHUP):
    if signal.getsignal(ending) == signal.SIG_DFL:
        signal.signal(ending, signal.default_int_handler)
try:
    from generator.cli import main
except KeyboardInterrupt:
    raise SystemExit(130) from None
raise SystemExit(main())
