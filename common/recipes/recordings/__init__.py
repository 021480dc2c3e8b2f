"""How the recorded runs are made: live runs of the embedded models, written down.

What is recorded stands in ``examples.py``; one module for each kind of run. The command is
``python -m common.recipes.recordings``.
"""
