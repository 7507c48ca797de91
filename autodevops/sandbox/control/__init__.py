"""The sandbox's control: what a test does to the world that nobody in the world could, such as letting time pass."""
