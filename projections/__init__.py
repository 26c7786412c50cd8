"""What people look at: folds of facts into tables that keep their past, and can be regrown."""
