"""What people look at: folds of facts into tables that keep their past.  Every table can be dropped and regrown."""
