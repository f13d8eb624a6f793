"""`python -m loom_tui` is `loom`."""

from loom_tui.entry import main

if __name__ == "__main__":
    main()
