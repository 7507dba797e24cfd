"""What every room stands on; imports no room."""
