"""Recorded runs: what the models here really wrote, translated, learned and drew, to play where no model is at hand."""
