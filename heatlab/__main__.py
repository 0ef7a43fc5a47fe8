"""``python -m heatlab``: the same as the ``heatlab`` command."""

from heatlab.cli import main

if __name__ == "__main__":
    main()
