"""The emulated world: what runs, what happens to it and what can be measured, as pure functions of time."""
