"""The portal: Jamie's chat beside a live overview, served by Voila with authentication.

`server` is the process that `autodevops portal` becomes; `page` is what each visitor's kernel runs. The two share
nothing but the settings: a kernel knows nothing of who visits, and the server asks no system.
"""
