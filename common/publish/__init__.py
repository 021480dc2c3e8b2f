"""A space, or the whole hub, as a Space on Hugging Face: bundled with what it needs, described, and pushed.

imports.py        which modules, and which packages, a program needs
requirements.py   those packages as lines of a requirements.txt
bundle.py         the files of the Space
card.py           its README with the metadata that the platform reads
push.py           creating it there and uploading
"""
