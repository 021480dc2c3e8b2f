"""Latent diffusion: from noise to a picture that a prompt asks for, with every step of it to be looked at."""
