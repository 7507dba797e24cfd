"""What `fab` does from the operator's machine."""
