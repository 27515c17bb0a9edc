"""Voice: a matter -> one named person -> acknowledged -> promise kept -> reported back."""
