"""What a room of people shares with its presenter: who may come in, who presents, and what everybody guessed."""
