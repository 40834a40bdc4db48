"""`python -m trimtab.cli` is `trimtab`: for child processes, which must run under the same interpreter."""

import sys

from trimtab.cli import main

if __name__ == "__main__":
    sys.exit(main())
