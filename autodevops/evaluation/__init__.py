"""How good the engine is: scenarios whose truth is known, investigated by the product, and the count of what was right.

A scenario is played in the sandbox and investigated through the workbench as a person would have it done; nothing here
knows a rule of the engine, and the engine knows nothing of this.
"""
