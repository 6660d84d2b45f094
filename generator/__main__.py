"""python -m generator"""

import signal

from generator.cli import main

signal.signal(signal.SIGTERM, signal.default_int_handler)  # both end what was started
raise SystemExit(main())
