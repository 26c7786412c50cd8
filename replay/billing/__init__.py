"""The billing office: what calculates bills, and checks their amounts."""
