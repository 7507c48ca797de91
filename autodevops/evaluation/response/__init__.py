"""How good Scarlet is: scenarios whose truth is known, played end to end in virtual time, and the count of it.

A scenario begins before its fault, in a world that nobody disturbs but the fault, Scarlet, and the people she asks.
What she did is judged by the scenario's own list of what helps and, where an action is not on it, by the world.
"""
