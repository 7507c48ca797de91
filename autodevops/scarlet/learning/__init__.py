"""What Scarlet learns from what happened, what she sees coming, and how well she does.

It reads the ledger and the systems and changes nothing in the world. What was learned of actions is the executor's and
comes in as lessons.
"""
