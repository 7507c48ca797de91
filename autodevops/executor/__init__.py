"""The one door for change. Nobody else holds tools that write."""
