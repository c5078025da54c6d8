"""The other hosts in which the widget has to work, each started for real on this machine.

A host is a context manager; `open` shows a program in it and returns a `Shown`: one browser tab on it, whatever the
host is. `programs.py` holds what is shown, `test_rigs.py` proves the hosts with a plain anywidget, `test_hosts.py` is
about the product. All of them run from `.hosts/`, an environment of their own: `make hosts`.
"""
