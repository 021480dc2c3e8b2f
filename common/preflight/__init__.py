"""The check before the talk: what will work on this machine, what will not, and what to do about it.

finding.py       what a check says
machine.py       disk, memory, port, graphics card
connections.py   model hub, network of the room, public link, ZeroGPU quota
generations.py   every space does its work once, for real
run.py           all of them in a row, as a stream
checkup.py       one at a time for everybody who looks at the page
command.py       ``python -m common preflight``
"""
