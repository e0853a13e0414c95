"""What looks at data with numpy: in a layer of its own, which only the functions that need it load."""
