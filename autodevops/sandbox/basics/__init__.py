"""What every part of the sandbox counts with: chance, moments, quantities. Knows none of them."""
